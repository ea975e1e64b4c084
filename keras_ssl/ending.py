"""Ending a training in order: Ctrl-C and SIGTERM, to one process or several."""

import contextlib
import signal
import threading
from collections.abc import Iterator
from typing import Any

from keras_ssl import backend


class Terminated(KeyboardInterrupt):
    """The process was told to end (SIGTERM), and its training has been saved.

    A `KeyboardInterrupt`, so that nothing mistakes it for an error.
    """

    exit_code = 143  # as shells have it: 128 and the signal's number


class Ending:
    """Whether the training is to end, and by which signal.

    Of several processes that train one model all have to end after the same
    step: one that goes on alone would wait for the others for ever. JAX tells
    them of a SIGTERM to one of them, and they agree on a step.
    """

    def __init__(self) -> None:
        self.signal = 0  # the one that this process got, if any
        self._calls = 0  # of `asked`: all processes count alike

    @contextlib.contextmanager
    def handled(self) -> Iterator[None]:
        """Within it a signal is kept for `asked`; a second one ends at once."""
        if threading.current_thread() is not threading.main_thread():
            yield  # only the main thread may handle signals
            return
        is_one_of_several = backend.process_count() > 1

        def keep(signum: int, frame: Any) -> None:
            if self.signal:
                raise KeyboardInterrupt
            self.signal = signum
            if is_one_of_several:
                signal.raise_signal(signal.SIGTERM)  # JAX tells the others

        handled = [signal.SIGINT]
        if not is_one_of_several:  # else JAX handles it, outside of Python
            handled.append(signal.SIGTERM)
        self.signal = 0
        before = {number: signal.signal(number, keep) for number in handled}
        try:
            yield
            if not is_one_of_several:
                end(self.signal)
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
            self.signal = 0

    def asked(self) -> int:
        """The signal by which to end now, else 0.

        Each of several processes has to call it after the same steps.
        """
        if backend.process_count() == 1:
            return self.signal
        self._calls += 1
        if backend.agreed_to_end(self._calls):
            return self.signal or signal.SIGTERM
        return 0


def end(signum: int) -> None:
    """Raises what a signal stands for; nothing if it is 0."""
    if signum == signal.SIGTERM:
        raise Terminated
    if signum:
        raise KeyboardInterrupt
