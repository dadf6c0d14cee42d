"""Set revrec up, with nothing but Python 3.11 or newer: python3 bootstrap.py demo | round-trip | test | check | docs

Makes a virtual environment in .venv, installs the locked dependencies and revrec itself into it, and then runs the
demo, the round-trip demo, the tests, the static checks (lint, types, import rules), or builds the documentation site.
Further arguments are passed on to the program, as in: test -k run
"""

import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
VENV = HERE / ".venv"
BIN = VENV / ("Scripts" if os.name == "nt" else "bin")
LOCKS = {"demo": "run.txt", "round-trip": "dev.txt", "test": "dev.txt", "check": "dev.txt", "docs": "dev.txt"}
JOBS = {
    "demo": [["revrec", "demo"]],
    "round-trip": [["revrec", "demo", "--round-trip"]],
    "test": [["python", "-m", "pytest", "-n", "auto", "--dist", "loadfile"]],
    "check": [["ruff", "check"], ["ruff", "format", "--check"], ["mypy"], ["lint-imports", "--no-cache"]],
    "docs": [["python", "-m", "sphinx", "-W", "--keep-going", "-q", "-c", "docs/site", "docs", "build/site"]],
}


def main() -> int:
    """Set up, run the job, and return its exit code."""
    job, *words = sys.argv[1:] or ["help"]
    if job not in JOBS:
        print(__doc__)
        return 0 if job in ("help", "-h", "--help") else 2
    if sys.version_info < (3, 11):
        print(f"revrec needs Python 3.11 or newer; this is {sys.version.split()[0]}", file=sys.stderr)
        return 2
    set_up(HERE / "requirements" / LOCKS[job])
    if job == "test" and not (HERE / ".pytest_cache").exists():
        compile_tests()
    *first, last = JOBS[job]
    for command in first:
        if code := run(command):
            return code
    return run([*last, *words])


def set_up(lock: Path) -> None:
    """Install exactly the locked packages, each verified by its hash, and revrec from this folder into ``.venv``."""
    if not (BIN / ("python.exe" if os.name == "nt" else "python")).exists():
        print(f"creating {VENV.name}", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", VENV], check=True)
    print(f"installing {lock.relative_to(HERE)}", file=sys.stderr)
    pip = [BIN / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "--require-hashes", "-r", lock], check=True)
    subprocess.run([*pip, "--no-deps", "--no-build-isolation", "-e", HERE], check=True)


def compile_tests() -> None:
    """Compile all tests once. In a new checkout, each process that runs tests would otherwise compile all of them."""
    print("compiling the tests", file=sys.stderr)
    # The run that follows reports any error.
    command = [BIN / "python", "-m", "pytest", "--collect-only", "-q"]
    subprocess.run(command, cwd=HERE, stdout=subprocess.DEVNULL, check=False)


def run(command: list[str]) -> int:
    """Run a program of the virtual environment and return its exit code.

    ``revrec`` runs in the folder where the user is, so that the demo writes its files there; the others run here.
    """
    print(f"$ {' '.join(command)}", file=sys.stderr, flush=True)
    where = None if command[0] == "revrec" else HERE
    return subprocess.run([BIN / command[0], *command[1:]], cwd=where, check=False).returncode


if __name__ == "__main__":
    try:
        sys.exit(main())
    except subprocess.CalledProcessError as error:
        sys.exit(f"bootstrap: {' '.join(map(str, error.cmd))} failed with exit code {error.returncode}")
    except KeyboardInterrupt:
        sys.exit(130)
