"""``revrec alert``."""

import typer

from revrec.cli.shared import Options, add_group, command, fail


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = add_group(app, "alert", "Telling people what a run left to do: by e-mail and chat.")

    @command(group, "test", "alert")
    def test(options: Options) -> None:
        """Send a test message to every channel, and say which took it.

        Mail goes to the server of [alerts] in the configuration, its password being REVREC_ALERTS_PASSWORD; chat to
        the URLs of REVREC_ALERTS_URLS, with blanks between. Exit code 5 if a channel did not take it or none is set up.

        \b
        Examples:
          revrec alert test
          revrec alert test --format json
        """
        from revrec.cli.output import print_csv, print_json
        from revrec.jobs.running.alert import Delivery, send_test

        told = [one._asdict() for one in send_test(options.context())]
        if options.json:
            print_json({"channels": told})
        elif options.csv:
            print_csv(told, Delivery._fields)
        else:
            for one in told:
                print(f"{one['channel']}: {'told' if one['ok'] else 'failed: ' + one['detail']}")
        if not told:
            fail("no channel is set up; set host, from and to of [alerts], or REVREC_ALERTS_URLS", 5)
        if not all(one["ok"] for one in told):
            raise typer.Exit(5)
