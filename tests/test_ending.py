"""Signals end a training in order: of one process, and of several."""

import signal
import threading

import pytest

from keras_ssl import ending
from keras_ssl.ending import Ending, Terminated

HANDLED = [signal.SIGINT, signal.SIGTERM]


def handlers():
    return [signal.getsignal(number) for number in HANDLED]


@pytest.mark.parametrize(
    ("number", "kind"),
    [(signal.SIGINT, KeyboardInterrupt), (signal.SIGTERM, Terminated)],
)
def test_a_signal_is_kept_until_asked_for(number, kind):
    before, state = handlers(), Ending()

    def training():
        with state.handled():
            assert state.asked() == 0
            signal.raise_signal(number)
            assert state.asked() == state.asked() == number

    with pytest.raises(KeyboardInterrupt) as raised:
        training()
    assert raised.type is kind
    assert handlers() == before
    assert state.asked() == 0


def test_a_second_one_ends_at_once():
    state, before, passed = Ending(), handlers(), []

    def training():
        with state.handled():
            for number in range(3):
                passed.append(number)
                signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        training()
    assert passed == [0, 1]
    assert handlers() == before


def test_elsewhere_than_in_the_main_thread_signals_are_left_alone():
    before, found = handlers(), []

    def look():
        with Ending().handled():
            found.extend(handlers())

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    assert found == before


def test_of_several_processes_all_end_when_they_agree(monkeypatch):
    told = []  # what JAX, whose handler is not Python's, would see
    monkeypatch.setattr(ending.backend, "process_count", lambda: 2)
    monkeypatch.setattr(
        ending.backend, "agreed_to_end", lambda call: bool(told) and call == 4
    )
    before = signal.signal(signal.SIGTERM, lambda *_: told.append(1))
    try:
        first, second = Ending(), Ending()
        with first.handled():
            assert first.asked() == 0
            signal.raise_signal(signal.SIGINT)
            assert told == [1]
            assert [first.asked() for _ in range(3)] == [0, 0, signal.SIGINT]
        assert [second.asked() for _ in range(4)] == [0, 0, 0, signal.SIGTERM]
    finally:
        signal.signal(signal.SIGTERM, before)


def test_what_a_signal_stands_for():
    ending.end(0)
    with pytest.raises(Terminated):
        ending.end(signal.SIGTERM)
    assert Terminated.exit_code == 143
