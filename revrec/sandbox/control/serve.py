"""The sandbox as a process: first line on stdout, address file, lock, clean end on a signal."""

import contextlib
import json
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

from filelock import Timeout

from revrec.sandbox.company.own_records import read_records
from revrec.sandbox.company.store import StoreError
from revrec.sandbox.control.address import address_file, lock_of, running, write_address
from revrec.sandbox.control.sandbox import Sandbox

DONE, USAGE, BAD_INPUT, LOCKED = 0, 2, 3, 6
STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)
POLL_SECONDS = 0.2
"""Short, because signals do not interrupt a wait without a timeout on every platform."""


def serve(
    port: int = 0,
    data: Path | None = None,
    seed: int = 1,
    fault: str = "",
    switches: Mapping[str, object] | None = None,
    quiet: bool = False,
    stop: threading.Event | None = None,
    records: Path | None = None,
    public_url: str = "",
) -> int:
    """Serve until SIGTERM or SIGINT, or until ``stop`` is set, and return the exit code.

    ``records`` is a CSV file of the user's own accounts, journals, customers, items and dimensions. ``public_url`` is
    the address of a proxy in front of the gateway.

    The exit code is 0 after a clean end, 2 for a wrong option or a port in use, 3 for an unusable data file, and 6 when
    another sandbox serves the same data file.
    """
    ending = stop or threading.Event()
    try:
        with _data_file_locked(data):
            log, own = _silent if quiet else _log, read_records(records) if records else ()
            sandbox = Sandbox(port, data, seed, fault, switches, log, may_exit=True, records=own, public_url=public_url)
            with _signals_collected() as received:
                _serve_until(lambda: bool(received) or ending.wait(POLL_SECONDS), sandbox, data)
            return DONE
    except Timeout:
        return _fail(_already_served(data), LOCKED)
    except StoreError as error:
        return _fail(str(error), BAD_INPUT)
    except ValueError as error:
        return _fail(str(error), USAGE)
    except OSError as error:
        return _fail(f"cannot serve: {error.strerror or error}; choose another --port or --data", USAGE)


def _serve_until(ended: Callable[[], bool], sandbox: Sandbox, data: Path | None) -> None:
    sandbox.start()
    try:
        if data is not None:
            write_address(data, sandbox.address)
        print(json.dumps(sandbox.address), flush=True)
        while not ended():
            pass
    finally:
        if data is not None:
            address_file(data).unlink(missing_ok=True)
        sandbox.stop()


@contextlib.contextmanager
def _data_file_locked(data: Path | None) -> Iterator[None]:
    if data is None:
        yield
        return
    data.parent.mkdir(parents=True, exist_ok=True)
    with lock_of(data).acquire(timeout=0):
        yield


def _already_served(data: Path | None) -> str:
    found = running(data) if data is not None else None
    where = f" (process {found['pid']}, {found['url']})" if found else ""
    return f"another sandbox already serves {data}{where}; stop it, or choose another --data file"


@contextlib.contextmanager
def _signals_collected() -> Iterator[list[int]]:
    """Collect SIGTERM and SIGINT in a list. Only the main thread can catch signals.

    The handler sets no ``threading.Event``, because it may interrupt the main thread inside the event's lock and would
    then wait for it forever.
    """
    received: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield received
        return
    previous = {number: signal.signal(number, lambda caught, _: received.append(caught)) for number in STOP_SIGNALS}
    try:
        yield received
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def _fail(message: str, code: int) -> int:
    print(f"revrec sandbox: {message}", file=sys.stderr)
    return code


def _log(line: str) -> None:
    print(f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ} {line}", file=sys.stderr, flush=True)


def _silent(_line: str) -> None:
    return None
