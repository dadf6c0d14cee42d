"""``revrec doctor``."""

from typing import TYPE_CHECKING

import typer

from revrec.cli.shared import Options, command

if TYPE_CHECKING:
    from revrec.jobs.doctor import Check

MARKS = {"ok": "ok      ", "warning": "warning ", "failed": "FAILED  ", "skipped": "skipped "}


def register(app: typer.Typer) -> None:
    """Add the command."""

    @command(app, "doctor")
    def doctor(options: Options) -> None:
        """Look at everything that a run needs, and say what to mend.

        Configuration, rules, database, credentials, sign-in, clock; in Intacct the journals and accounts that the
        rules name, the locations and departments of waiting lines, the right to read journal entries, closed books.
        Nothing is posted or changed. Exit code 5 if something failed.

        \b
        Examples:
          revrec doctor
          revrec doctor --format json
        """
        from revrec.jobs.doctor import examine

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


def _show(check: "Check") -> None:
    """A line at once, since the gateway may let one wait for the next."""
    detail = check.detail.replace("\n", "\n                        ")
    print(f"{MARKS[check.state]} {check.name:<14} {detail}", flush=True)
    if check.mend and check.state != "skipped":
        print(f"{'':<24}{check.mend}", flush=True)
