"""Counting from several threads."""

import logging
from concurrent.futures import ThreadPoolExecutor

from serving.batch.progress_counter import ProgressCounter


def test_every_image_is_counted_once_whatever_thread_has_it():
    counter, reports = ProgressCounter(), []
    counter.restart(lambda done, total: reports.append((done, total)))
    for _ in range(100):
        counter.add()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: counter.finish(f"{number}.png", "labelled"), range(90)))
    counter.settle(0)  # nothing to tell
    counter.settle(10)
    assert reports == [*((done, 100) for done in range(1, 91)), (100, 100)]


def test_a_new_run_starts_from_zero_and_nobody_has_to_listen(caplog):
    counter, reports = ProgressCounter(), []
    with caplog.at_level(logging.DEBUG, logger="fcn_keras"):
        counter.add()
        counter.finish("a.png", "The file is empty.")
    assert "a.png: The file is empty." in caplog.text
    counter.restart(lambda done, total: reports.append((done, total)))
    counter.add()
    counter.settle(1)
    assert reports == [(1, 1)]
