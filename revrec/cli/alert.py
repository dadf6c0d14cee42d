"""``revrec alert``."""

import typer

from revrec.cli.shared import Options, add_group, command, fail


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = add_group(app, "alert", "Send alerts by email and chat about what a run left to do.")

    @command(group, "test", "alert")
    def test(options: Options) -> None:
        """Send a test message to every channel and report each result.

        Email is sent through the server in [alerts] of the configuration, with the password in REVREC_ALERTS_PASSWORD;
        chat messages are sent to the URLs in REVREC_ALERTS_URLS, separated by spaces. Exit code 5 means that a channel
        failed or that no channel is configured.

        \b
        Examples:
          revrec alert test
          revrec alert test --format json
        """
        from revrec.cli.output import print_csv, print_json
        from revrec.jobs.running.alert import Delivery, send_test

        results = [one._asdict() for one in send_test(options.context())]
        if options.json:
            print_json({"channels": results})
        elif options.csv:
            print_csv(results, Delivery._fields)
        else:
            for one in results:
                print(f"{one['channel']}: {'sent' if one['ok'] else 'failed: ' + one['detail']}")
        if not results:
            fail("no channel is configured; set host, from and to in [alerts], or REVREC_ALERTS_URLS", 5)
        if not all(one["ok"] for one in results):
            raise typer.Exit(5)
