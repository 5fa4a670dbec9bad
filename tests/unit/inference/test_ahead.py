"""Items that are made while others are used."""

import threading

import pytest
from ptq_comparison.inference.ahead import one_ahead


def test_items_come_in_order_and_one_is_made_ahead():
    made = threading.Event()

    def items():
        yield 0
        made.set()
        yield from range(1, 9)

    found = one_ahead(items())
    assert next(found) == 0
    assert made.wait(10)  # without being asked for
    assert list(found) == list(range(1, 9))
    assert list(one_ahead(iter([]))) == []


def test_an_exception_comes_where_its_item_would():
    def items():
        yield 0
        raise KeyError("second")

    found = one_ahead(items())
    assert next(found) == 0
    with pytest.raises(KeyError, match="second"):
        next(found)


def test_an_iteration_that_is_given_up_ends_the_thread():
    before = threading.active_count()
    found = one_ahead(iter(range(9)))
    next(found)
    assert threading.active_count() == before + 1
    found.close()
    assert threading.active_count() == before
