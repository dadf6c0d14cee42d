"""Check that every line of a lock file names one exact version and at least one SHA-256; exit with 1 if not."""

import re
import sys
from pathlib import Path

PINNED = re.compile(r"[A-Za-z0-9._-]+(\[[a-z,]+\])?==\S+( ; [^\\]+)?( --hash=sha256:[0-9a-f]{64})+")


def unpinned(text: str) -> list[str]:
    """Return the requirements without an exact version and a hash."""
    lines = text.replace("\\\n", " ").splitlines()
    wanted = [" ".join(line.split()) for line in lines if line.strip() and not line.startswith("#")]
    return [line[:100] for line in wanted if not PINNED.fullmatch(line)]


if __name__ == "__main__":
    found = {path: unpinned(Path(path).read_text(encoding="utf-8")) for path in sys.argv[1:]}
    for path, lines in found.items():
        print(f"{path}: {'; '.join(lines) or 'every requirement has an exact version and a hash'}")
    sys.exit(any(found.values()))
