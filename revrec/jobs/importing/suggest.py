"""``revrec import --suggest``: draft a mapping for an unfamiliar file, without a database."""

import re
import tomllib
from pathlib import Path, PurePath

from revrec.core.errors import BadInput
from revrec.files import writing
from revrec.jobs.importing.rows import path_as_text
from revrec.sources import ColumnMapping
from revrec.sources.archives import members
from revrec.sources.shipped import names
from revrec.sources.suggesting.draft import Draft, suggest

_NAME = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)


def suggest_mapping(path: Path, name: str = "", file: str = "", form: str = "") -> Draft:
    """Return the draft of a mapping for a file, with this name, or one made from the name of the file.

    ``file`` replaces the path as the name of the file, and ``form`` is its format if its name does not determine it.

    Raises:
        BadInput: The name cannot be a mapping's, or the path is an archive of several files.
        SourceError: The file cannot be read, or no draft can be made for its format.
    """
    shown = file or path_as_text(path)
    if name and not _NAME.fullmatch(name):
        raise BadInput(f'--map "{name}": write the name of the mapping with letters, digits, - and _ only')
    parts = members(path, shown, form)
    if len(parts) != 1:
        raise BadInput(f"{shown}: contains {len(parts)} files; unpack it, and name one of them")
    return suggest(parts[0].open, name or _name_of(shown), ColumnMapping(format=form))


def _name_of(file: str) -> str:
    """Return a name for a mapping: the words of the file's name without digits, the same for the file of each month."""
    name = "-".join(re.findall("[a-z]+", PurePath(file).stem.lower())) or "file"
    return f"{name}-file" if name in names() else name


def add_to(path: Path, draft: Draft) -> None:
    """Add the draft to a configuration file; create the file if there is none.

    Raises:
        BadInput: The file is not TOML, has a mapping of this name already, or cannot be written.
    """
    try:
        before = path.read_text(encoding="utf-8") if path.exists() else ""
        if draft.name in tomllib.loads(before).get("mapping", {}):
            raise BadInput(f"{path}: has [mapping.{draft.name}] already; choose another name with --map")
        with writing(path, keep_access=True) as written:
            written.write(f"{before.rstrip()}\n\n{draft.toml()}" if before.strip() else draft.toml())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadInput(f"{path}: is not TOML ({error}); name another file") from None
    except OSError as error:
        raise BadInput(f"{path}: cannot be written ({error.strerror or error}); name another file") from error
