"""``revrec sandbox``."""

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any, TypeVar

import typer

from revrec.cli.shared import Options, add_group, command, fail

T = TypeVar("T")
DataOption = Annotated[
    Path | None, typer.Option("--data", metavar="FILE", help="The sandbox's data file; default: the configured one.")
]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = add_group(app, "sandbox", "Run and control the built-in Intacct simulator.")

    @command(group, "serve", "sandbox")
    def serve(
        options: Options,
        port: Annotated[
            int, typer.Option("--port", metavar="N", min=0, max=65535, help="Port on 127.0.0.1; 0 picks a free one.")
        ] = 0,
        data: DataOption = None,
        seed: Annotated[
            int, typer.Option("--seed", metavar="N", help="Seed for record numbers and everything else that varies.")
        ] = 1,
        fault: Annotated[
            str, typer.Option("--fault", metavar="PLAN", help="Faults to inject; see the examples.", show_default=False)
        ] = "",
        switch: Annotated[
            list[str] | None,
            typer.Option("--switch", metavar="NAME=VALUE", help="Change a behavior of the gateway; can be repeated."),
        ] = None,
        like: Annotated[
            Path | None,
            typer.Option("--like", metavar="REPORT", help="Behave like the company in a report of doctor --probe."),
        ] = None,
        company: Annotated[
            str | None,
            typer.Option(
                "--company",
                metavar="FILE|rules",
                help="Your accounts and other records: CSV, XLSX, or what the rules post to; default: [sandbox].",
            ),
        ] = None,
        public_url: Annotated[
            str,
            typer.Option(
                "--public-url",
                metavar="URL",
                help="Address of a proxy in front of the sandbox, for the endpoint in its answers: scheme and host.",
                show_default=False,
            ),
        ] = "",
        quiet: Annotated[bool, typer.Option("--quiet", help="Do not log requests on standard error.")] = False,
    ) -> None:
        """Serve a simulated Intacct company over HTTP, until stopped.

        The first line printed is JSON with its addresses and credentials; any Intacct client can connect to it. A run
        with the same data file finds it and posts to it. Without --data and without a configuration, the data is in
        memory, and no file is written.

        --fault accepts the same plans as revrec sandbox fault: drop, reset, slow, gather, drip, 5xx, 429, GW-0001,
        GW-0011, html, empty, truncated, garbled, wrong_control_id, stale, twice, repeat, refuse, die, expire_sessions,
        forget_ids, close_period, open_period.

        With --company the sandbox has your own records. Each kind that the file contains is complete: other accounts,
        for example, are rejected. The columns are kind, id and name; without kinds, it is a chart of accounts.

        \b
        Examples:
          revrec sandbox serve
          revrec sandbox serve --port 8099 --data sandbox.db
          revrec sandbox serve --fault "drop@after:1x:create,503@before:0.1" --seed 7
          revrec sandbox serve --switch masters=strict
          revrec sandbox serve --like probe.json
          revrec sandbox serve --company chart.csv
          revrec sandbox serve --company rules
          revrec sandbox serve --public-url https://api.intacct.com
        """
        from revrec.jobs.sandbox_company import company_file
        from revrec.sandbox.control.serve import serve as start

        switches = _like(like) | _pairs(switch or [])
        context = options.context()
        is_configured = context.settings.file or "REVREC_SANDBOX_DATA" in context.environment
        kept = data or (context.settings.sandbox.data if is_configured else None)
        with TemporaryDirectory() as memory:
            records = company_file(context, company, kept or Path(memory) / "sandbox")
            code = start(port, kept, seed, fault, switches, quiet, records=records, public_url=public_url)
        raise typer.Exit(code)

    _register_admin(group)


def _register_admin(group: typer.Typer) -> None:
    """Add the commands that control a running sandbox."""

    @command(group, "fault", "sandbox")
    def fault(
        options: Options,
        plan: Annotated[str, typer.Argument(metavar="PLAN", help="Faults to inject from now on; none stops them.")],
        data: DataOption = None,
        seed: Annotated[
            int | None,
            typer.Option("--seed", metavar="N", help="Seed for fault probabilities; default: the sandbox's seed."),
        ] = None,
    ) -> None:
        """Make a running sandbox fail on purpose, replacing its earlier plan.

        A plan is a comma-separated list of KIND@WHEN:RATE:FUNCTION. KIND is drop, reset, slow=SECONDS, gather=COUNT,
        drip=SECONDS, 500 to 599 (5xx), 429, GW-0001, GW-0011, html, empty, truncated, garbled, wrong_control_id, stale,
        twice, repeat, refuse=ERRORNO TEXT, die, expire_sessions, forget_ids, close_period=MONTH or open_period=MONTH;
        WHEN is before or after the commit; RATE is 3x for the next three (default: one), #3 for only the third, or a
        probability such as 0.1; FUNCTION is a function such as create. The same plan, seed and requests produce the
        same faults. `revrec docs sandbox` describes each kind.

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
        """Reset a running sandbox to its initial state.

        It then has no entries, no control ids, and all periods open. A database that posted to it still lists entries
        that the sandbox no longer has.

        \b
        Example:
          revrec sandbox reset
        """
        from revrec.sandbox.control import admin_client

        _show_state(options, _asked(lambda: admin_client.reset(_file(options, data))))

    @command(group, "status", "sandbox")
    def status(options: Options, data: DataOption = None) -> None:
        """Show the contents of a running sandbox.

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
    """Return the sandbox's answer; if none is running, exit with 5, if it rejects the input, with 3."""
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
    """Return a part of the state in one line."""
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
    """Return the switches of a probe's report; none without a report."""
    from revrec.sandbox.company.switches import switches_like

    try:
        return switches_like(report) if report else {}
    except ValueError as error:
        fail(str(error), 3)


def _pairs(items: list[str]) -> dict[str, object]:
    """Parse NAME=VALUE items into a mapping."""
    for item in items:
        if "=" not in item:
            fail(f"--switch {item!r}: no value; write it as NAME=VALUE", 2)
    return {name: value for name, _, value in (item.partition("=") for item in items)}
