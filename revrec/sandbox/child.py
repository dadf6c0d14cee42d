"""The one place that starts Python processes: isolated from the current folder, without the parent's secrets."""

import os
import subprocess
import sys
from collections.abc import Iterable, Mapping
from typing import Any

ISOLATED = ("-E", "-P", "-u")
"""Ignore ``PYTHON*`` variables, never import from the current folder, and do not buffer output. Unlike ``-I``, this
still finds a revrec that was installed with ``pip install --user``."""

PASSED_ON = frozenset({
    "PATH", "HOME", "USERPROFILE", "APPDATA", "LOCALAPPDATA", "SYSTEMROOT", "TMPDIR", "TEMP", "TMP", "TZ", "LANG",
    "LC_ALL", "LC_CTYPE", "LC_MESSAGES", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH",
})  # fmt: skip
"""Variables that an interpreter needs to start. None of them holds a secret."""


def start_python(words: Iterable[str], secrets: Mapping[str, str] | None = None, **pipes: Any) -> subprocess.Popen[Any]:
    """Start this interpreter with ``words``, such as ``["-m", "revrec.sandbox", "serve"]``.

    The child's environment holds the variables of :data:`PASSED_ON` and ``secrets``, nothing else. ``pipes`` are the
    ``stdin``, ``stdout`` and ``stderr`` of :class:`subprocess.Popen`.
    """
    environment = {name: value for name, value in os.environ.items() if name.upper() in PASSED_ON}
    return subprocess.Popen(  # noqa: S603 - our own interpreter
        [sys.executable, *ISOLATED, *words], env={**environment, **(secrets or {})}, **pipes
    )
