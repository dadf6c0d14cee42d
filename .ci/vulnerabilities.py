"""What pip-audit found, in words; exit code 1 if a locked version has a known vulnerability."""

import json
import sys
from pathlib import Path


def main(path: Path) -> int:
    """Tell what was found, and how many packages the service knew."""
    if not path.exists():
        print("known vulnerabilities: the service could not be reached; not looked up")
        return 0
    packages = json.loads(path.read_text(encoding="utf-8"))["dependencies"]
    known = [one for one in packages if "vulns" in one]
    bad = [one for one in known if one["vulns"]]
    for one in bad:
        print(f"{one['name']} {one['version']}: {', '.join(vulnerability['id'] for vulnerability in one['vulns'])}")
    print(f"known vulnerabilities: {len(bad)} packages of {len(known)} looked up; {len(packages)} are locked")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
