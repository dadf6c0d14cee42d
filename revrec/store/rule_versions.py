"""Rule versions: the exact text of every rule that ever made a schedule."""

from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import Connection, Select, exists, func, insert, select

from revrec.core.rules.costs import COST_MARK
from revrec.store.audit import AuditStamp, record
from revrec.store.bulk import next_number
from revrec.store.digests import digest_rows
from revrec.store.tables import after_invoice, rule_version


class RuleVersion(NamedTuple):
    """A rule as it is stored: its text as written, and the accounts and journal it posts to after defaults.

    ``options``: see :class:`revrec.core.schedule.PostingTarget`. ``after_invoice``: recognition waits until the
    document of the charge line is invoiced.
    """

    name: str
    sha256: str
    text: str
    file: str
    method: str
    deferred: str
    accrued: str
    journal: str
    memo: str
    options: str = ""
    after_invoice: bool = False


class KeptVersion(NamedTuple):
    """The name of a stored rule version: rule, number, and when it was stored, as UTC text."""

    name: str
    version: int
    recorded_at: str


def read_rule_version(connection: Connection, number: int) -> KeptVersion:
    """Return the name of a rule version by its id."""
    columns = (rule_version.c[name] for name in KeptVersion._fields)
    return KeptVersion(*connection.execute(select(*columns).where(rule_version.c.id == number)).one())


def read_rule_text(connection: Connection, number: int) -> RuleVersion:
    """Return a rule version by its id, with its text."""
    columns = (rule_version.c[name] for name in RuleVersion._fields if name != "after_invoice")
    waits = exists(select(after_invoice.c.rule_version_id).where(after_invoice.c.rule_version_id == rule_version.c.id))
    query = select(*columns, waits.label("after_invoice")).where(rule_version.c.id == number)
    return RuleVersion._make(connection.execute(query).one())


def of_principals(connection: Connection) -> frozenset[int]:
    """Return the rule versions of :func:`versions_of_principals`."""
    return frozenset(connection.execute(versions_of_principals()).scalars())


def names_of_principals(connection: Connection) -> set[str]:
    """Return the names of the rules of :func:`versions_of_principals`."""
    query = select(rule_version.c.name).where(rule_version.c.id.in_(versions_of_principals()))
    return set(connection.execute(query).scalars())


@cache
def versions_of_principals() -> Select[Any]:
    """Return the rule versions of costs that are expensed to the revenue account of their rule: an agent owes them."""
    cost, sold = rule_version.alias("cost"), rule_version.alias("sold")
    starts = cost.c.name.startswith(sold.c.name.concat(COST_MARK), autoescape=False)
    query: Select[Any] = select(cost.c.id).where(
        cost.c.name.contains(COST_MARK), exists().where(starts, sold.c.accrued == cost.c.accrued)
    )
    return query


def with_word(connection: Connection, word: str) -> frozenset[int]:
    """Return the rule versions of :func:`versions_with_word`."""
    return frozenset(connection.execute(versions_with_word(word)).scalars())


def names_with_word(connection: Connection, word: str) -> set[str]:
    """Return the names of the rules of which a version has a word in its text."""
    return set(connection.execute(select(rule_version.c.name).where(rule_version.c.text.contains(word))).scalars())


def versions_with_word(word: str) -> Select[Any]:
    """Return the rule versions whose text has a word."""
    return select(rule_version.c.id).where(rule_version.c.text.contains(word))


def posted_journals(connection: Connection) -> list[str]:
    """Return the journals that any rule ever posted to."""
    return list(connection.execute(select(rule_version.c.journal).distinct()).scalars())


def summarizes(connection: Connection) -> bool:
    """Check if any rule version adds up journal lines."""
    query = select(rule_version.c.id).where(rule_version.c.options.contains('"summarize":'))
    return connection.execute(query.limit(1)).first() is not None


def keep_rule_version(connection: Connection, rule: RuleVersion, who: AuditStamp) -> int:
    """Return the id of this rule's version; store it if it is new. Same text and accounts mean the same version."""
    same = (rule_version.c[name] == getattr(rule, name) for name in ("name", "sha256", "deferred", "accrued"))
    posts = (rule_version.c[name] == getattr(rule, name) for name in ("journal", "memo", "options"))
    found = connection.execute(select(rule_version.c.id).where(*same, *posts)).scalar()
    if found is not None:
        return int(found)
    last = connection.execute(
        select(func.coalesce(func.max(rule_version.c.version), 0)).where(rule_version.c.name == rule.name)
    ).scalar_one()
    number = next_number(connection, rule_version.c.id)
    values = {**rule._asdict(), "id": number, "version": last + 1, "recorded_at": who.at, "actor": who.actor}
    waits = values.pop("after_invoice")
    kept = connection.execute(insert(rule_version).values(values).returning(*rule_version.c)).one()
    shown = {"version": kept.version, "sha256": rule.sha256}
    digests = [digest_rows(rule_version, [kept])]
    if waits:
        connection.execute(insert(after_invoice).values(rule_version_id=number, rule=rule.name))
        digests.append(digest_rows(after_invoice, [(number, rule.name)]))
    record(connection, who, "rule version kept", f"rule {rule.name}", shown, digests)
    return int(kept.id)
