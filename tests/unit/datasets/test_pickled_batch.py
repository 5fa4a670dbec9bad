"""The reader of pickled batches: the values of every writer. Attacks are in tests/faults."""

import pickle

import numpy as np
import pytest
from helpers.hostile_pickles import ATTACKS, ROWS, WRITERS
from ptq_comparison.datasets.pickled_batch import read_batch, read_class_names


@pytest.mark.parametrize("writer", WRITERS)
def test_the_values_are_those_that_were_written(writer):
    pixels, labels = read_batch(WRITERS[writer])
    assert np.array_equal(pixels, ROWS) and pixels.dtype == np.uint8
    assert labels.tolist() == [3, 9] and labels.dtype == np.int64


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_an_array_in_fortran_order_is_read(protocol):
    content = {b"data": np.asfortranarray(ROWS), b"labels": [0, 1]}
    assert np.array_equal(read_batch(pickle.dumps(content, protocol)).pixels, ROWS)


def test_a_batch_of_many_rows_is_within_the_number_of_opcodes():
    rows = np.zeros((4_000, 3072), np.uint8)
    names = [f"{number:06}.png".encode() for number in range(len(rows))]
    content = {b"labels": [1] * len(rows), b"data": rows, b"filenames": names}
    for protocol in (2, 4):
        assert len(read_batch(pickle.dumps(content, protocol)).labels) == len(rows)


@pytest.mark.parametrize(
    ("attack", "message"),
    [
        ("REDUCE of os.system in a batch", "os.system is not allowed"),
        ("dtype of objects", "its data is not uint8"),
        ("array of a huge shape", r"its data is not of shape \(N, 3072\)"),
        ("nested tuples as a key", "text as keys"),
        ("a million marks", "too many opcodes for its size"),
        ("one text encoded again and again", "more text than its size"),
        ("labels as truth", "its labels are no list of integers"),
        ("labels for more images", "it has 2 images and 3 labels"),
        ("persistent id", "opcode PERSID is no part of a batch"),
    ],
)
def test_the_reason_is_told(attack, message):
    with pytest.raises((ValueError, TypeError), match=message):
        read_batch(ATTACKS[attack])


def test_class_names_are_text_of_either_kind():
    for names in (["a", "ü"], [b"a", "ü".encode()]):
        assert read_class_names(pickle.dumps({b"label_names": names}, 4)) == ["a", "ü"]
