"""Shared by every command: the global options, the context of a use case, and how errors end the command."""

import errno
import functools
import inspect
import os
import shlex
import shutil
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from revrec.cli.quick_start import QuickCommand, QuickGroup
from revrec.cli.terminal import keep_lines_whole
from revrec.core.harmless import harmless

if TYPE_CHECKING:
    from revrec.core.known_time import KnownTime
    from revrec.core.typed_dates import DateSpan
    from revrec.jobs.context import Context


class TextFormat(StrEnum):
    """The format of printed results: a table for people, JSON or CSV for programs."""

    table = "table"
    json = "json"
    csv = "csv"


class Format(StrEnum):
    """The format of results; a report can also be a workbook or a page, which are files."""

    table = "table"
    json = "json"
    csv = "csv"
    xlsx = "xlsx"
    html = "html"


FILE_FORMATS = (Format.xlsx, Format.html)
"""The formats of reports that are files."""


def format_of(chosen: Format | None, output: Path | None) -> Format | None:
    """Return the format of a result: ``--format`` or, without it, what the end of the file's name says.

    ``--format`` wins over the name, but text in a file whose name ends in ``.xlsx`` is a usage error, because no
    program would open it, and so is a workbook or a page under another name.
    """
    end = output.suffix.lower().removeprefix(".") if output else ""
    named = Format(end) if end in Format.__members__ else None
    if chosen and named and chosen is not named and {chosen, named} & {*FILE_FORMATS}:
        fail(f"--format {chosen} cannot be combined with --output {output}: leave out --format, or rename the file", 2)
    return chosen or named


@dataclass(frozen=True)
class Options:
    """The global options; each can be placed before or after the command's name."""

    config: Path | None = None
    database: str | None = None
    format: Format | None = None
    verbose: bool = False
    command: str = ""
    output: Path | None = None
    """The file of a list in a format that is a file."""
    known: str | None = None
    """The moment up to which a report reads the books."""
    one_view: ExitStack | None = None
    """If there is one, all that is read is of one moment until it ends."""

    def over(self, before: "Options") -> "Options":
        """Return these options, completed with the ones placed before the command."""
        return replace(
            self,
            config=self.config or before.config,
            database=self.database or before.database,
            format=self.format or before.format,
            verbose=self.verbose or before.verbose,
        )

    @property
    def json(self) -> bool:
        """Return whether results are printed as JSON."""
        return self.format is Format.json

    @property
    def is_file(self) -> bool:
        """Return whether results are written to a file, as a workbook or a page."""
        return self.format in FILE_FORMATS

    @property
    def csv(self) -> bool:
        """Return whether results are printed as CSV."""
        return self.format is Format.csv

    def context(self) -> "Context":
        """Create the context for a use case, with progress and notes on standard error."""
        from revrec.cli.terminal import progress
        from revrec.jobs.context import make_context

        made = make_context(self.command, self.config, self.database, progress=progress(), say=self.say)
        _contexts.append(made)
        if self.known is not None:
            from revrec.core.errors import BadInput

            try:
                made.database.read_as_known(known_time(self.known))
            except BadInput as error:
                fail(str(error), 2)
        if self.one_view is not None:
            self.one_view.enter_context(made.database.one_view())
        return made

    def say(self, text: str) -> None:
        """Print a note that is not a result, on a terminal or with ``--verbose`` only."""
        if self.verbose or sys.stderr.isatty():
            print(harmless(text), file=sys.stderr)


ConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--config", metavar="FILE", help="Configuration; default: $REVREC_CONFIG, ./revrec.toml, or the platform's."
    ),
]
DatabaseOption = Annotated[
    str | None,
    typer.Option(
        "--database",
        metavar="URL",
        help="Database, postgresql://USER@HOST/NAME or sqlite:///FILE; default: the configured one.",
    ),
]
_FORMAT = typer.Option("--format", metavar="table|json|csv", help="Format of the results.")
FormatOption = Annotated[Format | None, _FORMAT]
TextFormatOption = Annotated[TextFormat | None, _FORMAT]
_REPORT_FORMAT = typer.Option("--format", metavar="table|json|csv|xlsx|html", help="Format of the results.")
ReportFormatOption = Annotated[Format | None, _REPORT_FORMAT]
VerboseOption = Annotated[bool, typer.Option("--verbose", "-v", help="Print more details, on standard error.")]
GLOBAL = {"config": ConfigOption, "database": DatabaseOption, "format": FormatOption, "verbose": VerboseOption}
KnownOption = Annotated[
    str | None,
    typer.Option(
        "--known", metavar="T", help="As the books were at this day (its end), time, or audit_seq of a report."
    ),
]
OF_REPORTS = {"known": KnownOption}
"""The options of every report that reads the books, whatever it shows."""
WITHOUT_THEM = ("close",)
"""Reports that do not have them: the close verifies the books as they are now."""
_before = Options()
_current = Options()
"""The options of the command that runs."""
_names_only = False
_contexts: "list[Context]" = []
"""The contexts that this command line created."""


def remember(**options: Any) -> None:
    """Begin a command line with the global options placed before the command's name."""
    global _before  # noqa: PLW0603 - one command line a process
    _before = Options(**options)


def program() -> str:
    """Return the word that runs this program in the user's shell: ``revrec``, or its quoted path if that is not found.

    A demo that ``bootstrap.py`` runs is not on the path, so a command that begins with ``revrec`` would fail.
    """
    started = Path(sys.argv[0])
    found = shutil.which("revrec")
    if started.stem != "revrec" or (found and Path(found).resolve() == started.resolve()):
        return "revrec"
    return shlex.quote(str(started.absolute()))


def in_folder(folder: Path) -> str:
    """Return the start of a command line that runs in a folder: ``cd FOLDER && ``, or nothing for the current one."""
    return "" if folder == Path() else f"cd {shlex.quote(str(folder))} && "


def add_group(app: typer.Typer, name: str, help: str) -> typer.Typer:
    """Add a group of commands; the global options can also be placed after its name."""
    group = typer.Typer(cls=QuickGroup, help=help, no_args_is_help=True)
    format_option = ReportFormatOption if name == "report" else FormatOption

    @group.callback()
    def _between(
        config: ConfigOption = None,
        database: DatabaseOption = None,
        format: format_option = None,  # type: ignore[valid-type]
        verbose: VerboseOption = False,
    ) -> None:
        global _before  # noqa: PLW0603 - one command line a process
        _before = Options(config, database, format, verbose).over(_before)

    app.add_typer(group, name=name)
    return group


def command(app: typer.Typer, name: str, group: str = "") -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Register a command, whose first parameter is ``options``, and add the global options to its parameters.

    Put examples in its docstring after a line with only a backspace, so that they keep their line breaks.
    """
    full = f"{group} {name}".strip()

    def decorate(function: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(function)
        def wrapper(**values: Any) -> None:
            common = {key: values.pop(key) for key in (*GLOBAL, *_options_of_report(group, name))}
            given = Options(**common, command=full)
            given = replace(given, format=Format(given.format) if given.format else None)
            global _current  # noqa: PLW0603 - one command line a process
            _current = options = given.over(_before)
            if options.is_file and group != "report":
                fail(f"--format {options.format}: only reports can be written in this format", 2)
            if group == "report" and "output" in values and values.get("folder") is None:
                _check_output(options, values["output"])
            if options.json or options.csv:
                keep_lines_whole()
            try:
                guarded(options, functools.partial(function, options, **values))
            finally:
                _keep_heads()

        # Typer reads a command's options from its signature and annotations, so the wrapper must show both with the
        # global options added; functools.wraps alone would show only the function's own.
        shown = [] if _names_only else _with_common_options(function, group, name)
        wrapper.__signature__ = inspect.Signature(shown)  # type: ignore[attr-defined]
        wrapper.__annotations__ = {one.name: one.annotation for one in shown}
        app.command(name, cls=QuickCommand)(wrapper)
        return function

    return decorate


def _check_output(options: Options, output: Path | None) -> None:
    """Refuse a file that is missing or cannot be written, before the report computes for minutes or is signed."""
    if output is None:
        if options.is_file:
            fail(f"--format {options.format} needs a file: add --output FILE.{options.format}", 2)
    elif output.is_dir() or not output.parent.is_dir():
        why = errno.EISDIR if output.is_dir() else errno.ENOENT
        fail(f"{output}: cannot be written: {os.strerror(why)}", 2)


def list_names_only(wanted: bool) -> None:
    """Register the commands from now on without their options, for a help page that lists names.

    To read the options of all commands takes longer than everything else on that page.
    """
    global _names_only  # noqa: PLW0603 - one command line a process
    _names_only = wanted


def _with_common_options(function: Callable[..., None], group: str, name: str) -> list[inspect.Parameter]:
    own = [one for one in inspect.signature(function).parameters.values() if one.name != "options"]
    format_kind = ReportFormatOption if group == "report" else TextFormatOption
    common = _options_of_report(group, name) | GLOBAL
    return [*own, *(keyword(key, format_kind if key == "format" else kind) for key, kind in common.items())]


def _options_of_report(group: str, name: str) -> dict[str, Any]:
    return OF_REPORTS if group == "report" and name not in WITHOUT_THEM else {}


def known_time(text: str) -> "KnownTime":
    """Return the moment of ``--known``; anything that is not one, or is in the future, is a usage error."""
    from revrec.core.known_time import EXAMPLES, read_known_time

    found = read_known_time(text)
    if found is None:
        fail(f"--known {text!r}: not a time; write it as {EXAMPLES}", 2)
    # A day means its end, which today's has not reached.
    if found.at[:10] > datetime.now(UTC).date().isoformat():
        fail(f"--known {text}: is in the future; what the books will have then is not known", 2)
    return found


def keyword(name: str, kind: Any) -> inspect.Parameter:
    """Return the parameter of an option that is not required."""
    default = False if name == "verbose" else None
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=kind)


def _keep_heads() -> None:
    """Save the heads of the audit trails that the command wrote to, so that a restored older copy is detected."""
    while _contexts:
        database = vars(_contexts.pop()).get("database")
        if database is not None and database.written and database.path is not None:
            from revrec.core.errors import RevrecError
            from revrec.store.posting.continuity import update_kept_head

            # The command's changes are committed: a head that cannot be saved must not make it look failed.
            with suppress(RevrecError):
                update_kept_head(database)


def guarded(options: Options, work: Callable[[], None]) -> None:
    """Run a command; turn an error into a message on standard error and the documented exit code."""
    from revrec.core.errors import RevrecError

    try:
        work()
        sys.stdout.flush()
    except RevrecError as error:
        fail(str(error), error.exit_code)
    except BrokenPipeError:
        _close_output()
    except typer.Exit:
        raise
    except KeyboardInterrupt:
        fail("interrupted; committed changes are kept, and the command can be run again", INTERRUPTED)
    except Exception as error:
        from revrec.cli.terminal import unexpected_message

        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            fail(
                "the disk that the output or a file goes to is full; committed changes are kept; free some space",
                1,
            )
        if isinstance(error, UnicodeEncodeError) and error.reason == "surrogates not allowed":
            fail("an argument or a file's name has bytes that are not UTF-8 text; correct or rename it", 3)
        if out_of_memory(error):
            fail(OUT_OF_MEMORY, 1)
        if isinstance(error, OSError) and error.strerror and not options.verbose:
            place = f"{error.filename}: " if error.filename else ""
            fail(f"{place}{error.strerror}; what was committed is kept; check the disk and the permissions there", 1)
        fail(unexpected_message(error, options.verbose), 1)


OUT_OF_MEMORY = (
    "not enough memory for this process; committed changes are kept; "
    "raise its limit (ulimit -v, or the container's), or stop other programs, then run the command again"
)


def out_of_memory(error: BaseException) -> bool:
    """Return whether memory ran out; a library that cannot be mapped or a thread that cannot start are signs of it."""
    if isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno == errno.ENOMEM):
        return True
    signs = ("failed to map segment", "cannot allocate memory", "can't start new thread", "out of memory")
    return isinstance(error, ImportError | RuntimeError) and any(sign in str(error).lower() for sign in signs)


INTERRUPTED = 130
"""The exit code that shells give to a program ended by Ctrl-C."""


def _close_output() -> None:
    """Discard the rest of the output when its reader closed it (``| head``), so that Python does not fail at exit."""
    import os

    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def fail(message: str, code: int) -> NoReturn:
    """End the command with a message on standard error."""
    print(f"revrec: {harmless(message)}", file=sys.stderr)
    raise typer.Exit(code)


LAST_DAY = "a month means its last day."
"""The end of the help of a date option; a period is accepted wherever one day is wanted and its end is meant."""


def day(text: str | None, option: str, whole: str = "last") -> date | None:
    """Return the day of a date option; anything that is not a date is a usage error.

    A month, quarter or year means its last day, its ``"first"`` one if ``whole`` says so, and is an error if ``whole``
    is empty.
    """
    if text is None:
        return None
    found = date_span(text, option)
    if not whole and not found.is_day:
        fail(f"{option} {text!r}: is not one day; write it as 2024-03-28", 2)
    return found.first if whole == "first" else found.last


def date_span(text: str, option: str) -> "DateSpan":
    """Return the day or period of an option; anything that is neither is a usage error."""
    from revrec.core.typed_dates import EXAMPLES

    found = find_span(text)
    if found is None:
        fail(f"{option} {text!r}: not a date; write it as {EXAMPLES}", 2)
    return found


def find_span(text: str) -> "DateSpan | None":
    """Return the day or period that a text means, also in the configured format; None if it means none."""
    from revrec.core.typed_dates import DateSpan, read_span

    if found := read_span(text, today()):
        return found
    configured = _configured_date(text)
    return DateSpan(configured, configured) if configured else None


def today() -> date:
    """Return the date of this machine's clock."""
    return datetime.now().astimezone().date()


def _configured_date(text: str) -> date | None:
    """Return a date in the format of ``[dates] format``; None if it is in another one, or no format is configured."""
    declared = _current.context().settings.dates.format
    if not declared:
        return None
    from revrec.sources.dates import date_reader
    from revrec.sources.problems import InvalidValue

    try:
        return date_reader(declared)(text)
    except InvalidValue:
        return None


ReasonOption = Annotated[str, typer.Option("--reason", metavar="TEXT", help="The reason, for the audit trail.")]
EntityOption = Annotated[str | None, typer.Option("--entity", metavar="E", help="Only this entity.")]
YesOption = Annotated[bool, typer.Option("--yes", help="Post without asking for confirmation, for scripts.")]


def is_terminal() -> bool:
    """Return whether a person can answer a question."""
    return sys.stdin.isatty()


def confirmed(reasons: Sequence[str], question: str = "Post it?", done: str = "posted") -> None:
    """Ask on a terminal whether to go on in spite of these reasons; end with exit code 2 if it is not confirmed."""
    if not reasons:
        return
    for reason in reasons:
        print(f"revrec: {harmless(reason)}", file=sys.stderr)
    if not is_terminal():
        fail(f"nothing was {done}; if this is right, run the command again with --yes", 2)
    if not typer.confirm(question, err=True):
        fail(f"nothing was {done}", 2)


def span(text: str, option: str) -> Any:
    """Parse a duration option such as ``30 s``; anything else is a usage error."""
    from revrec.jobs.settings import duration

    try:
        return duration(text)
    except ValueError as error:
        fail(f"{option}: {error}", 2)
