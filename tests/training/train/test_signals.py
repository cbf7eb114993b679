"""A signal ends a run at once, or after what must not be lost."""

import os
import signal
import threading

import pytest

from fcn_keras_console import Interrupted
from training.train.signals import Signals


def send(number):
    os.kill(os.getpid(), number)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130), (signal.SIGHUP, 129)])
def test_a_signal_ends_at_once(number, code):
    with Signals(), pytest.raises(Interrupted, match=rf"stopped by {number.name}") as end:
        send(number)
    assert end.value.code == code


def test_a_deferred_signal_waits_for_the_end_of_the_body(capsys):
    done = []

    def work(signals):
        with signals.deferred():
            send(signal.SIGTERM)
            done.append("saved")

    with Signals() as signals:
        with pytest.raises(Interrupted):
            work(signals)
        assert signals.came == signal.SIGTERM
    assert done == ["saved"]
    assert capsys.readouterr().err == "fcn-train: SIGTERM: saving after this batch\n"


@pytest.mark.parametrize("first", [signal.SIGHUP, signal.SIGTERM])
def test_the_second_hangup_of_a_terminal_that_goes_waits_too(first, capsys):
    done = []

    def work(signals):
        with signals.deferred():
            send(first)
            send(signal.SIGHUP)
            done.append("saved")

    with Signals() as signals, pytest.raises(Interrupted, match=f"stopped by {first.name}"):
        work(signals)
    assert done == ["saved"]
    assert capsys.readouterr().err == f"fcn-train: {first.name}: saving after this batch\n"


def test_nohup_keeps_its_word():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with Signals() as signals:
            send(signal.SIGHUP)
        assert signals.came is None
    finally:
        signal.signal(signal.SIGHUP, before)


def test_another_may_say_that_a_signal_waits(capsys):
    said = []

    def work(signals):
        with signals.deferred():
            send(signal.SIGINT)

    with Signals() as signals:
        signals.say = said.append
        with pytest.raises(Interrupted):
            work(signals)
    assert said == ["fcn-train: SIGINT: saving after this batch"]
    assert capsys.readouterr() == ("", "")


def test_a_second_signal_does_not_wait():
    done = []

    def work(signals):
        with signals.deferred():
            send(signal.SIGTERM)
            send(signal.SIGINT)
            done.append("never")

    with Signals() as signals, pytest.raises(Interrupted, match="stopped by SIGINT"):
        work(signals)
    assert not done


def test_a_body_may_stop_where_it_likes():
    with Signals() as signals:
        signals.stop()  # nothing came
        signals.came = signal.SIGTERM
        with pytest.raises(Interrupted):
            signals.stop()


def test_the_handlers_from_before_come_back():
    before = signal.getsignal(signal.SIGTERM)
    with Signals():
        assert signal.getsignal(signal.SIGTERM) != before
    assert signal.getsignal(signal.SIGTERM) == before


def test_other_threads_set_no_handlers():
    before = signal.getsignal(signal.SIGTERM)
    handlers = []

    def body():
        with Signals():
            handlers.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=body)
    thread.start()
    thread.join()
    assert handlers == [before]
