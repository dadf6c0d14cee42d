"""Find the pages of the documentation: in the installed package, or in a checkout."""

from pathlib import Path
from typing import NamedTuple

from revrec.core.errors import BadInput
from revrec.core.keys import did_you_mean

_PACKAGE = Path(__file__).resolve().parents[2]


class DocumentationPage(NamedTuple):
    """A page: its name, its heading, and its Markdown text."""

    name: str
    title: str
    text: str


def pages() -> list[DocumentationPage]:
    """Return all pages, the index first, the others by name."""
    found = [_read(path) for path in _folder().glob("*.md")]
    return sorted(found, key=lambda page: (page.name != "index", page.name))


def page(name: str) -> DocumentationPage:
    """Return one page by its name, or by the beginning of it if only one page begins so.

    Raises:
        BadInput: No page, or more than one, has this name.
    """
    wanted = name.removesuffix(".md").lower()
    names = [path.stem for path in _folder().glob("*.md")]
    matches = [wanted] if wanted in names else sorted(one for one in names if one.startswith(wanted))
    if not matches:
        raise BadInput(f"{name}: no such page{did_you_mean(wanted, names)}; see the list: revrec docs")
    if len(matches) > 1:
        raise BadInput(f"{name}: several pages begin with this: {', '.join(matches)}")
    return _read(_folder() / f"{matches[0]}.md")


def site() -> Path:
    """Return the folder of the HTML site.

    Raises:
        BadInput: It was not built.
    """
    for folder in (_PACKAGE / "_docs" / "site", _PACKAGE.parent / "build" / "site"):
        if (folder / "index.html").is_file():
            return folder
    raise BadInput("the HTML site is not part of this installation; read a page here with: revrec docs PAGE")


def _folder() -> Path:
    installed = _PACKAGE / "_docs"
    return installed if installed.is_dir() else _PACKAGE.parent / "docs"


def _read(path: Path) -> DocumentationPage:
    text = path.read_text(encoding="utf-8")
    return DocumentationPage(path.stem, text.partition("\n")[0].removeprefix("# ").strip(), text)
