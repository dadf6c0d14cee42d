"""Check that a file is its user's own: no one else can have written it, or can put another in its place."""

import os
import stat
from pathlib import Path

from revrec.core.errors import BadConfiguration


def check_ownership(file: Path) -> None:
    """Check that only this user or root can change a file, or replace it through one of the folders above it.

    A group counts as the user's own if it is named after the user and has no other member, as many systems make them.
    In a folder with the sticky bit, such as ``/tmp``, only its owner can replace a file. Systems without POSIX owners
    are not checked.

    Raises:
        BadConfiguration: someone else owns or can write to the file or a folder above it.
    """
    if not hasattr(os, "geteuid"):
        return
    # Both where a link lies and where it leads: whoever can change either one decides on what is read.
    here, real = Path.cwd() / file, file.resolve()
    for path in dict.fromkeys((here, *here.parents, real, *real.parents)):
        found = path.lstat()
        what = "" if path in (here, real) else f"its folder {path} "
        if found.st_uid not in (0, os.geteuid()):
            raise BadConfiguration(
                f"{file}: {what}belongs to {_user(found.st_uid)}, not to you; passwords are not used with "
                "it. Copy the configuration to a folder of yours"
            )
        if _others_can_write(found):
            raise BadConfiguration(
                f"{file}: {what}can be changed by other users; passwords are not used with it. Run: chmod go-w '{path}'"
            )


def _others_can_write(found: os.stat_result) -> bool:
    mode = found.st_mode
    if stat.S_ISLNK(mode) or (stat.S_ISDIR(mode) and mode & stat.S_ISVTX):
        return False
    return bool(mode & stat.S_IWOTH) or bool(mode & stat.S_IWGRP and not _is_own_group(found.st_gid))


def _is_own_group(number: int) -> bool:
    import grp
    import pwd

    try:
        user, group = pwd.getpwuid(os.geteuid()), grp.getgrgid(number)
    except KeyError:
        return False
    return group.gr_name == user.pw_name and set(group.gr_mem) <= {user.pw_name}


def _user(number: int) -> str:
    import pwd

    try:
        return f"user {pwd.getpwuid(number).pw_name}"
    except KeyError:
        return f"user {number}"
