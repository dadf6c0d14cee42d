"""SQLite's error messages as revrec's own errors, each with its fix.

Apart from ``sqlite.py`` because ``revrec status`` must read an SQLite file without loading SQLAlchemy.
"""

from revrec.core.errors import BadConfiguration, Busy, RevrecError


def translate_sqlite_error(text: str, where: str) -> RevrecError | None:
    """Return revrec's error for an SQLite message about the file ``where``; None if it is about a statement."""
    if "locked" in text or "busy" in text:
        return Busy(f"{where}: another revrec is writing to the database; try again when it is done")
    if "readonly" in text or "read-only" in text:
        return BadConfiguration(
            f"{where}: the database cannot be written to; give this user write permission on the file and its folder"
        )
    if "unable to open" in text:
        return BadConfiguration(
            f"{where}: the database cannot be opened; give this user write permission on the file and its folder "
            f"(the log of a database in use is beside it)"
        )
    if "not a database" in text or "malformed" in text:
        return BadConfiguration(f"{where}: this file is not a sound SQLite database; restore a backup ({text})")
    if "disk is full" in text or "disk I/O" in text:
        return RevrecError(f"{where}: {text}; make room on the disk and run the command again, nothing is half done")
    return None
