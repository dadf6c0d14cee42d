"""``revrec doctor``."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from revrec.cli.shared import Options, command, fail

if TYPE_CHECKING:
    from revrec.intacct.probing.requests import ProbeFinding
    from revrec.jobs.admin.doctor import DoctorCheck
    from revrec.jobs.admin.probe import ProbeOptions, ProbeReport

MARKS = {"ok": "ok      ", "warning": "warning ", "failed": "FAILED  ", "skipped": "skipped "}


def register(app: typer.Typer) -> None:
    """Add the command."""

    @command(app, "doctor")
    def doctor(
        options: Options,
        probe: Annotated[
            bool, typer.Option("--probe", help="Ask a sandbox company what the documentation leaves open.")
        ] = False,
        report: Annotated[
            Path | None, typer.Option("--report", metavar="FILE", help="Where the probe writes its answers as JSON.")
        ] = None,
        closed_date: Annotated[
            datetime | None,
            typer.Option("--closed-date", metavar="DATE", formats=["%Y-%m-%d"], help="A day in closed books."),
        ] = None,
        location: Annotated[
            str, typer.Option("--location", metavar="ID", help="Location of the probe's drafts.", show_default=False)
        ] = "",
        post: Annotated[
            bool, typer.Option("--post", help="Agree to entries that are posted: 0.01 to and fro on one account.")
        ] = False,
        company_is_a_sandbox: Annotated[
            bool, typer.Option("--company-is-a-sandbox", help="Where the company's id does not say so.")
        ] = False,
    ) -> None:
        """Look at everything that a run needs, and say what to mend.

        Configuration, rules, database, credentials, sign-in, clock; in Intacct the journals and accounts that the
        rules name, the dimensions of waiting lines, the rights to read and to create journal entries, closed books.
        Nothing is posted or changed. Exit code 5 if something failed.

        With --probe it asks the gateway of a sandbox company what Intacct's documentation leaves open, with about ten
        drafts that it deletes afterwards; exit code 4 if one could not be deleted. It refuses a company whose id does
        not end like a sandbox's (-sandbox, -imp, -DEV).

        \b
        Examples:
          revrec doctor
          revrec doctor --format json
          revrec doctor --probe --report probe.json
          revrec doctor --probe --closed-date 2024-12-31 --location 100 --post
        """
        if probe:
            from revrec.jobs.admin.probe import ProbeOptions

            _probe(
                options, ProbeOptions(company_is_a_sandbox, post, closed_date and closed_date.date(), location), report
            )
        elif report or closed_date or location or post or company_is_a_sandbox:
            fail("--report, --closed-date, --location, --post and --company-is-a-sandbox go with --probe", 2)
        else:
            _examine(options)


def _examine(options: Options) -> None:
    from revrec.jobs.admin.doctor import examine

    checks = []
    for check in examine(options.context):
        checks.append(check)
        if not (options.json or options.csv):
            _show(check)
    if options.json:
        from revrec.cli.output import print_json

        print_json({"checks": [check._asdict() for check in checks]})
    elif options.csv:
        from revrec.cli.output import print_csv

        print_csv((check._asdict() for check in checks), ("name", "state", "detail", "mend"))
    if any(check.state == "failed" for check in checks):
        raise typer.Exit(5)


def _show(check: "DoctorCheck") -> None:
    """A line at once, since the gateway may let one wait for the next."""
    detail = check.detail.replace("\n", "\n                        ")
    print(f"{MARKS[check.state]} {check.name:<14} {detail}", flush=True)
    if check.mend and check.state != "skipped":
        print(f"{'':<24}{check.mend}", flush=True)


def _probe(options: Options, wanted: "ProbeOptions", file: Path | None) -> None:
    """The answers as they come, then what was left behind; the report whole at the end."""
    from revrec.jobs.admin.probe import probe

    quiet = options.json or options.csv
    found = probe(options.context(), wanted, (lambda _finding: None) if quiet else _show_finding)
    if file is not None:
        _write(file, found)
    if options.json:
        from revrec.cli.output import print_json

        print_json(found.plain())
    elif options.csv:
        from revrec.cli.output import print_csv

        columns = ("number", "question", "answer", "evidence", "switch", "setting")
        print_csv((one._asdict() for one in found.findings), columns)
    else:
        _show_end(found)
    if found.left:
        raise typer.Exit(4)


def _show_finding(finding: "ProbeFinding") -> None:
    print(f"{finding.number}  {finding.question:<52} {finding.answer}", flush=True)
    if finding.evidence:
        print(f"   {finding.evidence}", flush=True)


def _show_end(found: "ProbeReport") -> None:
    deleted = found.drafts - len(found.left)
    print(f"{found.requests} requests, {found.drafts} entries made, {deleted} of them deleted")
    for one in found.left:
        state = f" ({one.state})" if one.state else ""
        print(f"still there: record {one.record_no}{state}: {one.reason or 'Intacct did not say why'}")
        print("   delete it in Intacct by hand; its title says that revrec doctor --probe made it")


def _write(file: Path, found: "ProbeReport") -> None:
    import json

    from revrec.files import write_text

    try:
        write_text(file, json.dumps(found.plain(), indent=2) + "\n")
    except OSError as error:
        fail(f"{file}: cannot be written: {error.strerror or error}", 2)
