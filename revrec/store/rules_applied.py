"""The rule files and tables that the schedules were derived from."""

from collections.abc import Mapping

from sqlalchemy import Connection

from revrec.store.audit import canonical
from revrec.store.digests import RowDigest
from revrec.store.meta import put_meta
from revrec.store.reports.figures import RULES_PLANNED, RULES_TRIED, AppliedRules, SqlAlchemyView, applied_rules


def rules_of_plan(connection: Connection) -> AppliedRules | None:
    """Return the files that all schedules were last derived from; None before the first schedule."""
    return applied_rules(SqlAlchemyView(connection), RULES_PLANNED)


def rules_tried(connection: Connection) -> AppliedRules | None:
    """Return the files under which every unscheduled charge line was tried; without files if it was not the same."""
    return applied_rules(SqlAlchemyView(connection), RULES_TRIED)


def put_rules_of_plan(connection: Connection, files: Mapping[str, str], at: str) -> list[RowDigest]:
    """Note that all charge lines, scheduled and unscheduled, were derived from these files."""
    return [_put(connection, RULES_PLANNED, files, at), put_rules_tried(connection, files, at)]


def put_rules_tried(connection: Connection, files: Mapping[str, str], at: str) -> RowDigest:
    """Note that every unscheduled charge line was tried under these files."""
    return _put(connection, RULES_TRIED, files, at)


def note_rules(connection: Connection, files: Mapping[str, str], at: str) -> list[RowDigest]:
    """Note that some charge lines were derived from these files, such as the lines of an import.

    The first files are the plan's. If they differ from the files that the unscheduled lines were tried under,
    those lines no longer have one set of files in common, and the next run tries all of them.
    """
    if rules_of_plan(connection) is None:
        return put_rules_of_plan(connection, files, at)
    tried = rules_tried(connection)
    return [] if tried is None or tried.files in (files, {}) else [put_rules_tried(connection, {}, at)]


def _put(connection: Connection, key: str, files: Mapping[str, str], at: str) -> RowDigest:
    return put_meta(connection, key, canonical({"files": dict(files), "at": at}))
