"""Bringing a database to this program's revision, and telling which one it has.

The scripts live in ``alembic/`` of a checkout and in ``revrec/_migrations`` of an installed wheel; both are found.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from revrec.core.errors import BadConfiguration

if TYPE_CHECKING:
    from alembic.config import Config
    from sqlalchemy import Connection

HEAD = "0010"
"""The revision this program needs. A test holds it equal to the newest script, so that no command must load alembic."""


def scripts_folder() -> Path:
    """Where the migration scripts are: inside the installed package, else beside it in a checkout."""
    package = Path(__file__).resolve().parents[2]
    installed = package / "_migrations"
    return installed if installed.is_dir() else package.parent / "alembic"


def upgrade(connection: "Connection", revision: str = "head") -> None:
    """Run the migrations up to ``revision``, in the caller's transaction."""
    from alembic import command

    command.upgrade(_config(connection), revision)


def downgrade(connection: "Connection", revision: str) -> None:
    """Run the migrations down to ``revision`` (``base`` removes everything)."""
    from alembic import command

    command.downgrade(_config(connection), revision)


def check_revision(found: str | None, where: str) -> None:
    """Refuse a database that this program does not understand, with the mend.

    Raises:
        BadConfiguration: the database is empty, older, or from a newer program.
    """
    if found == HEAD:
        return
    if found is not None and not isinstance(found, str):
        # SQLite stores any type in any column, so a damaged or edited file can hold bytes here.
        raise BadConfiguration(f"{where}: the database file is damaged (its revision is not text); restore a backup")
    if found is None:
        raise BadConfiguration(f"{where}: not a revrec database yet; make one with: revrec init, or: revrec db upgrade")
    if found < HEAD:
        raise BadConfiguration(
            f"{where}: the database has revision {found}, this revrec needs {HEAD}; back it up, then: revrec db upgrade"
        )
    raise BadConfiguration(
        f"{where}: the database has revision {found}, newer than this revrec knows ({HEAD}); install a newer revrec"
    )


def _config(connection: "Connection") -> "Config":
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(scripts_folder()).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config
