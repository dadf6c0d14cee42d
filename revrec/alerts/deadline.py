"""Work that must end in time, whatever the other side does."""

import threading
from collections.abc import Callable

from revrec.alerts.errors import AlertFailed


def within(seconds: float, what: str, work: Callable[[], None]) -> None:
    """Do the work; give up waiting after ``seconds``. Libraries' time-outs hold for one answer, not for many slow ones.

    Raises:
        AlertFailed: it did not end in time, or raised that itself.
    """
    ended: list[BaseException | None] = []

    def do() -> None:
        try:
            work()
            ended.append(None)
        except BaseException as error:
            ended.append(error)

    thread = threading.Thread(target=do, daemon=True)
    thread.start()
    thread.join(seconds)
    if not ended:
        raise AlertFailed(f"{what}: no end after {seconds:g} s; look at that server and at [alerts] timeout")
    if ended[0] is not None:
        raise ended[0]
