"""``revrec sandbox``."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

from revrec.cli.shared import Options, add_group, command, fail

T = TypeVar("T")
DataOption = Annotated[
    Path | None, typer.Option("--data", metavar="FILE", help="Its own data file; else the configured one.")
]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = add_group(app, "sandbox", "The built-in Intacct simulator.")

    @command(group, "serve", "sandbox")
    def serve(
        options: Options,
        port: Annotated[
            int, typer.Option("--port", metavar="N", min=0, max=65535, help="Port on the loopback; 0 takes a free one.")
        ] = 0,
        data: DataOption = None,
        seed: Annotated[
            int, typer.Option("--seed", metavar="N", help="For record numbers and all else that varies.")
        ] = 1,
        fault: Annotated[
            str, typer.Option("--fault", metavar="PLAN", help="Faults to play, see the examples.", show_default=False)
        ] = "",
        switch: Annotated[
            list[str] | None,
            typer.Option("--switch", metavar="NAME=VALUE", help="Another behaviour of the gateway; may be repeated."),
        ] = None,
        like: Annotated[
            Path | None,
            typer.Option("--like", metavar="REPORT", help="Behave like the company that doctor --probe reported on."),
        ] = None,
        quiet: Annotated[bool, typer.Option("--quiet", help="No access log on standard error.")] = False,
    ) -> None:
        """Serve a simulated Intacct company over real HTTP, until stopped.

        The first line printed is JSON with its addresses and credentials; any Intacct client can talk to it. A run
        with the same data file finds it and posts to it. --fault takes a plan as revrec sandbox fault does: drop,
        reset, slow, drip, 5xx, 429, GW-0011, html, empty, truncated, garbled, wrong_control_id, stale, twice, repeat,
        refuse, die, expire_sessions, forget_ids, close_period, open_period.

        \b
        Examples:
          revrec sandbox serve
          revrec sandbox serve --port 8099 --data sandbox.db
          revrec sandbox serve --fault "drop@after:1x:create,503@before:0.1" --seed 7
          revrec sandbox serve --switch masters=strict
          revrec sandbox serve --like probe.json
        """
        from revrec.sandbox.control.serve import serve as start

        switches = _like(like) | _pairs(switch or [])
        raise typer.Exit(start(port, _file(options, data), seed, fault, switches, quiet))

    _register_admin(group)


def _register_admin(group: typer.Typer) -> None:
    """The commands that speak to a sandbox which runs already."""

    @command(group, "fault", "sandbox")
    def fault(
        options: Options,
        plan: Annotated[str, typer.Argument(metavar="PLAN", help="Faults to play from now on; none ends them.")],
        data: DataOption = None,
        seed: Annotated[
            int | None,
            typer.Option("--seed", metavar="N", help="Draws the shares anew from this seed; else from the sandbox's."),
        ] = None,
    ) -> None:
        """Let a running sandbox fail on purpose, in place of its plan before.

        A plan is a list of KIND@WHEN:RATE:FUNCTION with commas between. KIND is drop, reset, slow=SECONDS,
        drip=SECONDS, 500 to 599 (5xx), 429, GW-0011, html, empty, truncated, garbled, wrong_control_id, stale, twice,
        repeat, refuse=ERRORNO TEXT, die, expire_sessions, forget_ids, close_period=MONTH or open_period=MONTH; WHEN is
        before or after the commit; RATE is 3x for the next three (else one), #3 for the third alone, or a share such
        as 0.1; FUNCTION is one such as create. The plan and the seed decide alone: the same requests get the same
        faults again. docs/sandbox.md says what each kind does.

        \b
        Examples:
          revrec sandbox fault "drop@after:1x:create"
          revrec sandbox fault "503@before:0.1,slow=2@after:5x" --seed 7
          revrec sandbox fault "refuse=BL03000018 Missing unit@before:#2:create_sotransaction"
          revrec sandbox fault none
        """
        from revrec.sandbox.control import admin_client

        wanted = "" if plan.strip() == "none" else plan
        faults = _asked(lambda: admin_client.fault(_file(options, data), wanted, seed))
        if options.json:
            _print_json({"faults": faults})
        elif options.csv:
            _print_csv(faults, ("kind", "when", "value", "left", "share", "at", "function"))
        else:
            print("\n".join(map(_fault_words, faults)) or "no faults")

    @command(group, "reset", "sandbox")
    def reset(options: Options, data: DataOption = None) -> None:
        """Bring a running sandbox back to its first state.

        No entries, no control ids, all periods open: books that posted to it know entries that it no longer has.

        \b
        Example:
          revrec sandbox reset
        """
        from revrec.sandbox.control import admin_client

        _show_state(options, _asked(lambda: admin_client.reset(_file(options, data))))

    @command(group, "status", "sandbox")
    def status(options: Options, data: DataOption = None) -> None:
        """Show what a running sandbox holds.

        \b
        Examples:
          revrec sandbox status
          revrec sandbox status --format json
        """
        from revrec.sandbox.control import admin_client

        _show_state(options, _asked(lambda: admin_client.state(_file(options, data))))


def _file(options: Options, data: Path | None) -> Path:
    return data or options.context().settings.sandbox.data


def _asked(ask: Callable[[], T]) -> T:
    """What the sandbox answers; none running is a matter of the set-up, a refusal one of the input."""
    from revrec.sandbox.control.admin_client import AdminError, NotServed

    try:
        return ask()
    except NotServed as error:
        fail(str(error), 5)
    except AdminError as error:
        fail(str(error), 3)


def _fault_words(one: dict[str, Any]) -> str:
    often = f"share {one['share']}" if one["left"] is None else f"next {one['left']}"
    often = f"number {one['at']}" if one["at"] else often
    value = f"={one['value']}" if one["value"] else ""
    return f"{one['kind']}{value}@{one['when']}  {often}  {one['function'] or 'any function'}"


def _show_state(options: Options, found: dict[str, Any]) -> None:
    rows = [{"name": name, "value": _words(value)} for name, value in found.items()]
    if options.json:
        _print_json(found)
    elif options.csv:
        _print_csv(rows, ("name", "value"))
    else:
        for row in rows:
            print(f"{row['name']:<15} {row['value']}")


def _words(value: Any) -> str:
    """A part of the state in one line."""
    if isinstance(value, dict):
        return ", ".join(f"{name} {_words(one)}" for name, one in value.items()) or "-"
    if isinstance(value, list):
        return ", ".join(_fault_words(one) if isinstance(one, dict) else str(one) for one in value) or "-"
    return "-" if value in (None, "") else str(value)


def _print_json(value: Any) -> None:
    from revrec.cli.output import print_json

    print_json(value)


def _print_csv(rows: list[dict[str, Any]], columns: tuple[str, ...]) -> None:
    from revrec.cli.output import print_csv

    print_csv(rows, columns)


def _like(report: Path | None) -> dict[str, object]:
    """The switches of a probe's report; none without one."""
    from revrec.sandbox.company.switches import switches_like

    try:
        return switches_like(report) if report else {}
    except ValueError as error:
        fail(str(error), 3)


def _pairs(items: list[str]) -> dict[str, object]:
    """NAME=VALUE as a mapping."""
    for item in items:
        if "=" not in item:
            fail(f"--switch {item!r}: no value; write it as NAME=VALUE", 2)
    return {name: value for name, _, value in (item.partition("=") for item in items)}
