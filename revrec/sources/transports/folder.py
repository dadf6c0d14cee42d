"""A folder on this machine, local or mounted."""

import os
import stat
import time
from collections.abc import Iterator
from pathlib import Path

from revrec.core.keys import ConfigKey, text
from revrec.sources.transports.settings import COMMON, FILES
from revrec.sources.transports.transport import (
    BLOCK,
    YOUNG_SECONDS,
    Document,
    SourceTransport,
    TransportFailed,
    free_name,
    shown_name,
)


class FolderTransport(SourceTransport):
    """Files of a local folder, without its subfolders. Links are not followed."""

    name = "folder"
    keys = (*COMMON, *FILES, ConfigKey("path", text("the folder in quotes"), "The folder.", required=True))

    @property
    def where(self) -> str:
        """The folder."""
        return str(self.folder)

    @property
    def folder(self) -> Path:
        """The folder; ``~`` is expanded."""
        return Path(self.settings["path"]).expanduser()

    def connect(self) -> None:
        """Check that the folder exists."""
        if not self.folder.is_dir():
            raise TransportFailed(f"{self.where}: there is no such folder; create it, or correct path")

    def documents(self) -> Iterator[Document]:
        """Yield the files by name."""
        with self.reported_failures():
            paths = sorted(self.folder.iterdir())
        for path in paths:
            if self.is_wanted(path.name):
                yield from self._unchanging(path)

    def _unchanging(self, path: Path) -> Iterator[Document]:
        """Yield the file, unless it may still be written to, or another process has moved it meanwhile."""
        with self.reported_failures():
            try:
                found = path.lstat()
            except FileNotFoundError:
                return
        age = time.time() - found.st_mtime
        if stat.S_ISREG(found.st_mode) and age >= self.settings["settle_seconds"]:
            marker = f"{found.st_size}-{found.st_mtime_ns}-{found.st_ctime_ns}"
            yield Document(shown_name(path.name), marker if age >= YOUNG_SECONDS else "", found.st_size, path)

    def read(self, document: Document) -> Iterator[bytes]:
        """Yield the bytes of a file. A link that replaced it after it was listed is not followed."""
        with self.reading(document), open(document.place, "rb", opener=_no_link) as file:
            while block := file.read(BLOCK):
                yield block

    def settle(self, document: Document, received: bool) -> None:
        """Move the file on this machine, or delete it."""
        kind, folder = self.destination(received)
        with self.reported_failures():
            if kind == "delete":
                document.place.unlink(missing_ok=True)
            elif kind == "move" and document.place.exists():
                destination = self.folder / folder
                destination.mkdir(parents=True, exist_ok=True)
                name = free_name(document.place.name, lambda one: not os.path.lexists(destination / one))
                document.place.rename(destination / name)


def _no_link(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
