"""Name the command that installs an extra, the way it works in this installation."""

import shlex
import sys


def install_command(extra: str) -> str:
    """Return the command that installs the libraries of an extra, such as ``xlsx``, where revrec is installed.

    It names this Python and not ``pip`` alone: another ``pip`` on the path would not find revrec beside it, and would
    look for a package of that name on an index that revrec is not published on.
    """
    return f'{shlex.quote(sys.executable)} -m pip install "revrec[{extra}]"'
