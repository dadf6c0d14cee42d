"""``python -m revrec.sandbox serve``: run the sandbox as a separate process."""

import argparse
import sys
import threading
from pathlib import Path

from revrec.sandbox.company.switches import Switches, switches_like
from revrec.sandbox.control.serve import serve
from revrec.sandbox.faults import parse_plan


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m revrec.sandbox", description="A Sage Intacct XML gateway simulator."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    command = commands.add_parser(
        "serve",
        help="serve until stopped",
        description="Serve the simulator on the loopback. The first line printed is JSON with URLs and credentials.",
        epilog="example: python -m revrec.sandbox serve --data ledger.db --switch masters=strict",
    )
    command.add_argument("--port", type=int, default=0, help="port of the gateway; 0 (default) uses a free one")
    command.add_argument(
        "--data", type=Path, metavar="FILE", help="SQLite file that keeps the data across restarts; default: memory"
    )
    command.add_argument("--seed", type=int, default=1, help="seed for record numbers, shuffled rows and faults")
    command.add_argument(
        "--fault", default="", metavar="PLAN", help="fault plan, for example 'drop@after:1x:create,503@before:0.1'"
    )
    command.add_argument(
        "--switch", action="append", default=[], metavar="NAME=VALUE", help="set a switch; may be repeated"
    )
    command.add_argument("--like", type=Path, metavar="REPORT", help="use the switches in the report of a probe")
    command.add_argument(
        "--company", type=Path, metavar="FILE", help="CSV of accounts, journals, customers, items and dimensions"
    )
    command.add_argument(
        "--public-url", default="", metavar="URL", help="address of a proxy in front of it: scheme and host"
    )
    command.add_argument("--attached", action="store_true", help="stop when standard input ends")
    command.add_argument("--quiet", action="store_true", help="write no access log")
    return parser


def _switches(parser: argparse.ArgumentParser, items: list[str]) -> dict[str, str]:
    pairs = dict(item.partition("=")[::2] for item in items)
    try:
        trial = Switches()
        for name, value in pairs.items():
            trial.set(name, value)
    except ValueError as error:
        parser.error(str(error))
    return pairs


def main(arguments: list[str] | None = None) -> int:
    """Parse the command line, serve, and return the exit code."""
    parser = _parser()
    options = parser.parse_args(arguments)
    switches: dict[str, object] = dict(_switches(parser, options.switch))
    try:
        parse_plan(options.fault)
        switches = (switches_like(options.like) if options.like else {}) | switches
    except ValueError as error:
        parser.error(str(error))
    stop = _stdin_closed() if options.attached else None
    return serve(
        options.port,
        options.data,
        options.seed,
        options.fault,
        switches,
        options.quiet,
        stop,
        options.company,
        options.public_url,
    )


def _stdin_closed() -> threading.Event:
    """Return an event that is set when standard input ends, which means that the parent process is gone."""
    ended = threading.Event()

    def watch() -> None:
        sys.stdin.buffer.read()
        ended.set()

    threading.Thread(target=watch, daemon=True).start()
    return ended


if __name__ == "__main__":
    sys.exit(main())
