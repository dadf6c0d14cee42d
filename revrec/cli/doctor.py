"""``revrec doctor``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from revrec.cli.shared import LAST_DAY, Options, command, day, fail

if TYPE_CHECKING:
    from revrec.intacct.probing.requests import ProbeFinding
    from revrec.jobs.admin.checks import DoctorCheck
    from revrec.jobs.admin.probe import ProbeOptions, ProbeReport

MARKS = {"ok": "ok      ", "warning": "warning ", "failed": "FAILED  ", "skipped": "skipped "}


def register(app: typer.Typer) -> None:
    """Add the command."""

    @command(app, "doctor")
    def doctor(
        options: Options,
        probe: Annotated[
            bool, typer.Option("--probe", help="Test in a sandbox company what Intacct's documentation leaves open.")
        ] = False,
        report: Annotated[
            Path | None,
            typer.Option("--report", metavar="FILE", help="Write the probe's answers to this file as JSON."),
        ] = None,
        closed_date: Annotated[
            str | None,
            typer.Option(
                "--closed-date",
                metavar="D",
                help=f"A day in a closed period, for the probe; {LAST_DAY}",
            ),
        ] = None,
        location: Annotated[
            str, typer.Option("--location", metavar="ID", help="Location for the probe's drafts.", show_default=False)
        ] = "",
        post: Annotated[
            bool, typer.Option("--post", help="Allow posted entries: 0.01 debit and credit on one account.")
        ] = False,
        company_is_a_sandbox: Annotated[
            bool,
            typer.Option(
                "--company-is-a-sandbox", help="Confirm that it is a sandbox, although its id does not say so."
            ),
        ] = False,
    ) -> None:
        """Check everything that a run needs, and report what to fix.

        Checks the configuration, rules, database, credentials, sign-in and clock. In Intacct it checks the company's
        currencies, entities and dimensions, required fields, approvals and permissions, the journals and accounts that
        the rules name, the dimensions of open lines, and closed periods. Nothing is posted or changed. Exit code 5
        means that a check failed.

        With --probe, it tests in a sandbox company what Intacct's documentation leaves open, with about ten drafts that
        it deletes afterwards; exit code 4 means that one could not be deleted. A company whose id does not end like a
        sandbox's (-sandbox, -imp, -DEV) is refused.

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
                options, ProbeOptions(company_is_a_sandbox, post, day(closed_date, "--closed-date"), location), report
            )
        elif report or closed_date or location or post or company_is_a_sandbox:
            fail("--report, --closed-date, --location, --post and --company-is-a-sandbox need --probe", 2)
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

        print_csv((check._asdict() for check in checks), ("name", "state", "detail", "fix"))
    if any(check.state == "failed" for check in checks):
        raise typer.Exit(5)


def _show(check: "DoctorCheck") -> None:
    """Print the check immediately: the next one may wait for the gateway."""
    detail = check.detail.replace("\n", "\n                        ")
    print(f"{MARKS[check.state]} {check.name:<14} {detail}", flush=True)
    if check.fix and check.state != "skipped":
        print(f"{'':<24}{check.fix}", flush=True)


def _probe(options: Options, wanted: "ProbeOptions", file: Path | None) -> None:
    """Print each answer as it comes, then the drafts that were left; write the report when it is complete."""
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
    print(f"{finding.number:<2} {finding.question:<52} {finding.answer}", flush=True)
    if finding.evidence:
        print(f"   {finding.evidence}", flush=True)


def _show_end(found: "ProbeReport") -> None:
    deleted = found.drafts - len(found.left)
    print(f"{found.requests} requests, {found.drafts} entries and orders created, {deleted} of them deleted")
    for one in found.left:
        state = f" ({one.state})" if one.state else ""
        print(f"not deleted: record {one.record_no}{state}: {one.reason or 'Intacct gave no reason'}")
        print("   delete it in Intacct by hand; its title names revrec doctor --probe")


def _write(file: Path, found: "ProbeReport") -> None:
    import json

    from revrec.files import write_text

    try:
        write_text(file, json.dumps(found.plain(), indent=2) + "\n")
    except OSError as error:
        fail(f"{file}: cannot be written: {error.strerror or error}", 2)
