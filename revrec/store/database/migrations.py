"""Bring a database to the revision that this program needs, and check which one it has.

The scripts are in ``alembic/`` of a checkout and in ``revrec/_migrations`` of an installed wheel; both are found.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from revrec.core.errors import BadConfiguration

if TYPE_CHECKING:
    from alembic.config import Config
    from sqlalchemy import Connection

HEAD = "r0001"
"""The revision that this program needs. A test compares it with the newest script, so that no command loads alembic.

Revisions sort as text. The ``r`` sets them apart from the revisions of checkouts before the first release.
"""


def scripts_folder() -> Path:
    """Return the folder of the migration scripts: inside an installed package, beside it in a checkout."""
    package = Path(__file__).resolve().parents[2]
    installed = package / "_migrations"
    return installed if installed.is_dir() else package.parent / "alembic"


def upgrade(connection: "Connection", revision: str = "head") -> None:
    """Run the migrations up to ``revision`` in the caller's transaction."""
    from alembic import command

    command.upgrade(_config(connection), revision)


def downgrade(connection: "Connection", revision: str) -> None:
    """Run the migrations down to ``revision`` (``base`` removes everything)."""
    from alembic import command

    command.downgrade(_config(connection), revision)


def check_revision(found: str | None, where: str) -> None:
    """Refuse a database that this program cannot use, and say what to do.

    Raises:
        BadConfiguration: the database is empty, older, newer, or from before the first release.
    """
    if found == HEAD:
        return
    if found is not None and not isinstance(found, str):
        # SQLite stores any type in any column, so a damaged or edited file can hold bytes here.
        raise BadConfiguration(f"{where}: the database file is damaged (its revision is not text); restore a backup")
    if found is None:
        fix = "create one with: revrec init, or: revrec db upgrade"
        raise BadConfiguration(f"{where}: not a revrec database yet; {fix}")
    if is_pre_release(found):
        raise BadConfiguration(
            f"{where}: a revrec from before the first release made this database (revision {found}), and it cannot be "
            "upgraded; keep it with the program that made it, and start a new one with: revrec init"
        )
    if found < HEAD:
        raise BadConfiguration(
            f"{where}: the database has revision {found}, this revrec needs {HEAD}; back it up, then: revrec db upgrade"
        )
    raise BadConfiguration(
        f"{where}: the database has revision {found}, newer than this revrec knows ({HEAD}); install a newer revrec"
    )


def is_pre_release(revision: str) -> bool:
    """Check whether a revision is from before the first release, whose migrations are one script now."""
    return not revision.startswith("r")


def _config(connection: "Connection") -> "Config":
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(scripts_folder()).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config
