"""The one place that writes result files: private, whole or not at all, and never through a link.

A file is written under another name in the same folder, made durable, and renamed. A process that is killed meanwhile
leaves at most a ``NAME.XXXXXXXX.part`` behind, never half a file under the name that others read.
"""

import errno
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO


@contextmanager
def draft_of(path: Path, overwrite: bool = True, keep_access: bool = False) -> Iterator[Path]:
    """Yield an empty file beside ``path``, readable by its owner alone, that becomes ``path`` when the block ends well.

    If the block fails, the draft is removed and ``path`` stays as it was. With ``keep_access`` an existing file's mode
    and group are kept, so that another user who may read it still can.

    Raises:
        FileExistsError: ``path`` exists, and ``overwrite`` is false.
        OSError: ``path`` is a link or no regular file, or the folder cannot be written to.
    """
    _check(path)
    draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}.part")
    create_private(draft)
    try:
        yield draft
        if keep_access:
            _copy_access(path, draft)
        _sync(draft)
        rename(draft, path) if overwrite else _rename_new(draft, path)
    finally:
        draft.unlink(missing_ok=True)


@contextmanager
def writing(path: Path, keep_access: bool = False) -> Iterator[TextIO]:
    """Open a UTF-8 text file that replaces ``path`` when the block ends well; see :func:`draft_of`."""
    with draft_of(path, keep_access=keep_access) as draft, draft.open("w", encoding="utf-8", newline="\n") as file:
        yield file


def write_text(path: Path, text: str) -> None:
    """Replace ``path`` by a file of this text; see :func:`draft_of`."""
    with writing(path) as file:
        file.write(text)


def create_private(path: Path) -> None:
    """Create an empty file that only its owner can read. Raises FileExistsError if the name is in use."""
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))


def rename(old: Path, new: Path) -> None:
    """Rename a file, replacing ``new``, and make the new name durable."""
    old.replace(new)
    sync_folder(new.parent)


def sync_folder(folder: Path) -> None:
    """Make changes of names in a folder durable, on systems that can open a folder."""
    with suppress(OSError):
        _sync(folder)


def _check(path: Path) -> None:
    """Refuse to replace what was not made to be replaced: a link to elsewhere, a device, a folder."""
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if stat.S_ISLNK(mode):
        raise OSError(errno.ELOOP, "it is a link, which is not followed; name the file itself", str(path))
    if stat.S_ISDIR(mode):
        raise OSError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, "it is not a regular file; choose another name", str(path))


def _rename_new(draft: Path, path: Path) -> None:
    """Rename without replacing a file that another process made meanwhile, where the file system has hard links."""
    try:
        path.hardlink_to(draft)
    except FileExistsError:
        raise
    except OSError:
        if os.path.lexists(path):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path)) from None
        rename(draft, path)
    else:
        sync_folder(path.parent)


def _copy_access(path: Path, draft: Path) -> None:
    with suppress(FileNotFoundError):
        found = path.lstat()
        if hasattr(os, "chown"):
            os.chown(draft, -1, found.st_gid)
        draft.chmod(found.st_mode & 0o666)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
