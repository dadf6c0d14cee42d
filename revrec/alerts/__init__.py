"""Alerts: the digest of a run, sent by e-mail and chat.

Whatever the other side does, sending an alert raises nothing but :class:`AlertFailed`. A failed alert changes nothing
in the run that it reports: the caller only warns.
"""

import threading
from collections.abc import Callable

from revrec.core.errors import BadConfiguration


class AlertFailed(BadConfiguration):
    """An alert that cannot be sent, or that a service did not accept. The text names the fix and holds no secret."""


def within(seconds: float, service: str, send: Callable[[], None]) -> None:
    """Run ``send`` in a thread and stop waiting for it after ``seconds``.

    A library's own timeout limits the wait for one reply. A server that sends one byte at a time never reaches it, and
    the alert would then keep the run from ending.

    Raises:
        AlertFailed: ``send`` did not finish in time, or raised this itself.
    """
    ended: list[BaseException | None] = []

    def do() -> None:
        try:
            send()
            ended.append(None)
        except BaseException as error:
            ended.append(error)

    thread = threading.Thread(target=do, daemon=True)
    thread.start()
    thread.join(seconds)
    if not ended:
        raise AlertFailed(f"{service}: did not finish within {seconds:g} s; check that server and [alerts] timeout")
    if ended[0] is not None:
        raise ended[0]
