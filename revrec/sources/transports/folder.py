"""A folder on this machine, local or mounted."""

import time
from collections.abc import Iterator
from pathlib import Path

from revrec.core.keys import ConfigKey, text
from revrec.sources.transports.settings import COMMON, FILES
from revrec.sources.transports.transport import BLOCK, Document, IsKnown, SourceTransport, TransportFailed


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

    def documents(self, known: IsKnown = lambda _marker: False) -> Iterator[Document]:
        """Yield the files by name."""
        with self.reported_failures():
            paths = sorted(self.folder.iterdir())
        for path in paths:
            if self.is_wanted(path.name) and path.is_file() and not path.is_symlink():
                found = path.stat()
                if time.time() - found.st_mtime >= self.settings["settle_seconds"]:
                    yield Document(path.name, f"{found.st_size}-{found.st_mtime_ns}", found.st_size, path)

    def read(self, document: Document) -> Iterator[bytes]:
        """Yield the bytes of a file."""
        with self.reported_failures(), document.place.open("rb") as file:
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
                document.place.rename(_free(destination / document.name))


def _free(path: Path) -> Path:
    """Return the path, with a number added if a file exists there, so that nothing is overwritten."""
    number, found = 1, path
    while found.exists():
        number += 1
        found = path.with_name(f"{path.stem}-{number}{path.suffix}")
    return found
