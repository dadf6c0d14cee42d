"""The surroundings of a command: settings, database, who runs it, the clock, and how progress is shown."""

import os
import platform
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar

from revrec.core.harmless import one_line
from revrec.jobs import settings as settings_module
from revrec.jobs.settings import CONFIG_NAME, Settings

if TYPE_CHECKING:
    from revrec.store.audit import AuditStamp
    from revrec.store.database.engine import Database
    from revrec.store.posting.posting_tables import PostingSize

T = TypeVar("T")


class Progress(Protocol):
    """The display of how far a long task is."""

    def track(
        self, items: Iterable[T], what: str, total: int | None = None, size: Callable[[T], int] | None = None
    ) -> Iterator[T]:
        """Yield the items, showing each step. ``total`` is the number of steps, None if unknown.

        ``size`` returns the number of steps of an item, by default one.
        """

    def postings(
        self, what: str, sizes: "Callable[[], Mapping[int, PostingSize]]"
    ) -> AbstractContextManager[Callable[[int], None]]:
        """Show how many postings are done, with their lines and amounts; yield a function that counts one as done.

        ``sizes`` returns the sizes of all postings by number; it is called only if they are shown.
        """


class Silent:
    """A progress display that shows nothing."""

    def track(
        self, items: Iterable[T], what: str, total: int | None = None, size: Callable[[T], int] | None = None
    ) -> Iterator[T]:
        """Yield the items."""
        yield from items

    @contextmanager
    def postings(self, what: str, sizes: "Callable[[], Mapping[int, PostingSize]]") -> Iterator[Callable[[int], None]]:
        """Yield a function that does nothing."""
        yield lambda _number: None


def utc_now() -> datetime:
    """Return the time now, aware, in UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class Context:
    """The surroundings of one command."""

    settings: Settings
    command: str
    actor: str
    environment: Mapping[str, str]
    now: Callable[[], datetime] = utc_now
    sleep: Callable[[float], None] = time.sleep
    """Waits for a number of seconds."""
    progress: Progress = field(default_factory=Silent)
    say: Callable[[str], None] = lambda _text: None
    """Prints a message to the user on standard error."""

    @cached_property
    def database(self) -> "Database":
        """The database of the settings, opened when it is first used."""
        from revrec.store.database.engine import Database

        return Database(self.database_url)

    @property
    def database_url(self) -> str:
        """Return the URL of the database, to which libpq may send a password.

        Raises:
            BadConfiguration: the configuration may not send a password to this server, see :mod:`revrec.jobs.trust`.
        """
        url = self.settings.database_url
        if not url.startswith("sqlite"):
            from revrec.jobs import trust

            trust.check(self, trust.DATABASE)
        return url

    def who(self) -> "AuditStamp":
        """Return who does this, by which command, and the time now."""
        from revrec.store.audit import AuditStamp

        return AuditStamp(self.actor, self.command, self.timestamp())

    def timestamp(self) -> str:
        """Return the time now as the database stores it."""
        return self.now().isoformat(timespec="microseconds")


def find_config(given: Path | None, environment: Mapping[str, str], folder: Path) -> Path | None:
    """Return the configuration to use: ``given``, ``$REVREC_CONFIG``, ``./revrec.toml``, the platform's, or None."""
    if given:
        return given
    if environment.get("REVREC_CONFIG"):
        return Path(environment["REVREC_CONFIG"])
    if (folder / CONFIG_NAME).is_file():
        return folder / CONFIG_NAME
    import platformdirs

    installed = platformdirs.user_config_path("revrec") / CONFIG_NAME
    return installed if installed.is_file() else None


LONGEST_NAME = 100


def current_actor(environment: Mapping[str, str]) -> str:
    """Return who runs this process: account, host, user id, and the name that the environment claims if it differs.

    The account and the id come from the operating system, such as ``anna@office (uid 1000)``. ``LOGNAME`` and ``USER``
    can hold any text, so that their name is only shown beside it: ``anna@office (uid 1000, as "controller")``.
    """
    account, user_id = _account()
    claimed = next(filter(None, (environment.get(name) for name in ("LOGNAME", "USER"))), account)
    shown = "" if claimed == account else f', as "{_name(claimed)}"'
    return f"{_name(account)}@{_name(platform.node())} ({user_id}{shown})"


def _account() -> tuple[str, str]:
    """Return the account's name and id; the id alone where the system has no name for it, as in some containers."""
    if not hasattr(os, "getuid"):
        return os.getlogin(), "Windows account"
    import pwd

    user_id = os.getuid()
    try:
        return pwd.getpwuid(user_id).pw_name, f"uid {user_id}"
    except KeyError:
        return str(user_id), f"uid {user_id}"


def _name(text: str) -> str:
    """Return a name as it is stored: one line, without control characters and quotes, of a bounded length."""
    return one_line(text).replace('"', "'")[:LONGEST_NAME]


def make_context(
    command: str,
    config: Path | None = None,
    database: str | None = None,
    environment: Mapping[str, str] | None = None,
    progress: Progress | None = None,
    say: Callable[[str], None] | None = None,
) -> Context:
    """Return the context of a command, from the configuration that applies here.

    Raises:
        BadConfiguration: the configuration is missing or wrong.
    """
    environment = os.environ if environment is None else environment
    folder = Path()
    found = find_config(config, environment, folder)
    return Context(
        settings_module.load(found, folder, environment, database),
        command,
        current_actor(environment),
        environment,
        progress=progress or Silent(),
        say=say or (lambda _text: None),
    )
