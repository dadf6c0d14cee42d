"""Facts about the database itself: one text for each key, each change covered by a digest in the audit trail."""

from sqlalchemy import Connection, insert, select, update

from revrec.store.digests import RowDigest, digest_rows
from revrec.store.tables import meta


def put_meta(connection: Connection, key: str, value: str) -> RowDigest:
    """Write the value of a key; return the digest for the audit event of the change."""
    there = connection.execute(select(meta.c.key).where(meta.c.key == key)).first()
    if there:
        connection.execute(update(meta).where(meta.c.key == key).values(value=value))
    else:
        connection.execute(insert(meta).values(key=key, value=value))
    return digest_rows(meta, [(key, value)])
