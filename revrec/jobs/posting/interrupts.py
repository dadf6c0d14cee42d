"""Hold back Ctrl-C and SIGTERM while requests are in flight, so that their outcomes are recorded."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def interrupts_held(notify: Callable[[], None] = lambda: None) -> Iterator[list[int]]:
    """Hold back Ctrl-C and SIGTERM for a block; yield the list of the signals received so far.

    ``notify`` is called from the signal handler. A second signal interrupts the block. The postings whose outcome is
    not recorded by then are in doubt.

    Raises:
        KeyboardInterrupt: at the end of the block, if there was a signal.
    """
    received: list[int] = []

    def hold(number: int, _frame: FrameType | None) -> None:
        if received:
            raise KeyboardInterrupt
        received.append(number)
        notify()

    if threading.current_thread() is not threading.main_thread():
        # Python delivers signals to the main thread only.
        yield received
        return
    default = (signal.default_int_handler, signal.SIG_DFL)
    replaced = {number: signal.signal(number, hold) for number in SIGNALS if signal.getsignal(number) in default}
    try:
        yield received
    finally:
        for number, handler in replaced.items():
            signal.signal(number, handler)
        if received:
            raise KeyboardInterrupt
