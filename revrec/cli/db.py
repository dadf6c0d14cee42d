"""``revrec db``."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from revrec.cli.shared import Options, add_group, command


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = add_group(app, "db", "Create, upgrade, back up and restore the database.")

    @command(group, "upgrade", "db")
    def upgrade(options: Options) -> None:
        """Create the database, or upgrade it to this program's revision.

        \b
        Example:
          revrec db upgrade
        """
        from revrec.cli.output import print_csv, print_json
        from revrec.store.database.migrations import HEAD

        database = options.context().database
        changed = database.create()
        found = {"database": database.where, "revision": HEAD, "changed": changed}
        if options.json:
            print_json(found)
        elif options.csv:
            print_csv([found], tuple(found))
        else:
            print(f"{database.where}: revision {HEAD}{'' if changed else ', nothing to do'}")

    @command(group, "status", "db")
    def status(options: Options) -> None:
        """Show the database's revision and whether it is current.

        Exit code 5 means that it is not.

        \b
        Examples:
          revrec db status
          revrec db status --format json
        """
        from revrec.cli.output import print_csv, print_json
        from revrec.jobs.admin.database import database_status

        found = database_status(options.context())
        if options.json:
            print_json(found)
        elif options.csv:
            print_csv([found], tuple(found))
        else:
            words = {"True": "yes", "False": "no", "None": "none"}
            print("\n".join(f"{name:<10} {words.get(str(value), value)}" for name, value in found.items()))
        if not found["current"]:
            raise typer.Exit(5)

    @command(group, "backup", "db")
    def backup(
        options: Options,
        file: Annotated[Path, typer.Argument(metavar="FILE", help="The new file; an existing one is not overwritten.")],
    ) -> None:
        """Copy the database to a new file, even while it is written to.

        The copy is consistent and is checked. An existing file is never overwritten.

        \b
        Example:
          revrec db backup backups/revrec-2024-03-31.db
        """
        from revrec.cli.output import print_csv, print_json
        from revrec.jobs.admin.database import backup as copy

        size = copy(options.context(), file)
        made = {"file": str(file), "bytes": size, "checked": True}
        if options.json:
            print_json(made)
        elif options.csv:
            print_csv([made], tuple(made))
        else:
            print(f"{file}: {size:,} bytes, checked")

    _add_restores(group)


def _add_restores(group: typer.Typer) -> None:
    @command(group, "restore", "db")
    def restore(
        options: Options,
        file: Annotated[Path, typer.Argument(metavar="BACKUP", help="The backup to restore.")],
    ) -> None:
        """Restore a backup, while no run is active.

        The backup is verified first, and the database that it replaces is kept beside it. Before the next run sends
        anything, it finds in Intacct what was posted since the backup. Import again first what was imported since.

        \b
        Example:
          revrec db restore backups/revrec-2024-03-31.db
        """
        from revrec.cli.output import print_csv, print_json
        from revrec.jobs.admin.database import restore as put_back

        done = put_back(options.context(), file)._asdict()
        if options.json:
            print_json(done)
        elif options.csv:
            print_csv([done], tuple(done))
        else:
            kept = f"; the replaced database is kept as {done['kept']}" if done["kept"] else ""
            print(f"{done['database']}: restored as of event {done['event']}, epoch {done['epoch']}{kept}")
            print(
                "import again what was imported since the backup, then run; see: revrec docs operations",
                file=sys.stderr,
            )

    @command(group, "restored", "db")
    def restored(
        options: Options,
        reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="What was restored or moved, and why.")],
    ) -> None:
        """Let this database post after pg_restore, a move, or a refused run.

        Only one copy of a database may post. The next run here takes over: it checks Intacct as after `revrec db
        restore`, and sends nothing until the quarantine has ended. Any other copy is refused from then on.

        \b
        Examples:
          revrec db restored --reason "the server of 31 March, from the night's copy"
          revrec db restored --reason "moved to srv2; the old machine is off"
        """
        from revrec.cli.output import print_csv, print_json
        from revrec.jobs.admin.database import note_restored

        context = options.context()
        done = {"database": context.database.where, "epoch": note_restored(context, reason)}
        if options.json:
            print_json(done)
        elif options.csv:
            print_csv([done], tuple(done))
        else:
            print(f"{done['database']}: epoch {done['epoch']}; the next run checks Intacct before it sends")
