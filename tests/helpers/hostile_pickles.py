"""Batches of CIFAR-10 as several writers make them, and pickles that attack their reader."""

import pickle
import struct

import numpy as np

from helpers.cifar10_files import python2_pickle

ROWS = np.arange(2 * 3072, dtype=np.uint8).reshape(2, 3072)
GENUINE = {"batch_label": "x", "labels": [3, 9], "data": ROWS, "filenames": ["a", "b"]}
AS_BYTES = {b"batch_label": b"x", b"labels": [3, 9], b"data": ROWS, b"filenames": [b"a", b"b"]}
WRITERS = {"Python 2": python2_pickle(GENUINE)} | {
    f"Python 3, protocol {protocol}": pickle.dumps(AS_BYTES, protocol) for protocol in (2, 3, 4, 5)
}
DTYPE = b"cnumpy\ndtype\n(U\x02u1K\x00K\x01tR"
RECONSTRUCT = b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(K\x00tU\x01btR"


def batch(data: bytes, labels: bytes = b"](K\x03K\x09e") -> bytes:
    """Put the opcodes of data and labels into a batch of protocol 2."""
    return b"\x80\x02}(U\x04data" + data + b"U\x06labels" + labels + b"u."


def string(content: bytes) -> bytes:
    return b"T" + struct.pack("<i", len(content)) + content


DATA = string(ROWS.tobytes())


def array(
    shape: bytes = b"K\x02M\x00\x0c\x86",
    dtype: bytes = DTYPE,
    fortran: bytes = b"\x89",
    data: bytes = DATA,
) -> bytes:
    """Return the opcodes of an array, of parts that may be false."""
    return RECONSTRUCT + b"(K\x01" + shape + dtype + fortran + data + b"tb"


def labels(opcodes: bytes) -> bytes:
    """Return a batch of two images with other labels."""
    return batch(array(), opcodes)


def dtype(name: bytes, state: bytes) -> bytes:
    return b"cnumpy\ndtype\n(U\x02" + name + b"K\x00K\x01tR" + state + b"b"


def laughs(wrap: bytes) -> bytes:
    """Return an object in which each level holds the one below it twice, 100 levels deep."""
    return b"K\x01" + b"".join(b"q\x01h\x01" + wrap for _ in range(100))


POINTERS = string(struct.pack("<qq", 0x41414141, 0x41414141))
TWO = b"K\x02\x85"  # a shape
UNGUARDED = dtype(b"O8", b"(K\x03U\x01|NNNK\x08K\x08K\x00t")
MINUS = b"J\xff\xff\xff\xff"
ATTACKS = {
    # what calls a function
    "REDUCE of os.system": b"cos\nsystem\n(U\x04truetR.",
    "REDUCE of os.system in a batch": batch(b"cos\nsystem\n(U\x04truetR"),
    "STACK_GLOBAL": b"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x04true\x85R.",
    "STACK_GLOBAL with a path": b"\x80\x04\x8c\x05numpy\x8c\x09os.system_\x93.",
    "STACK_GLOBAL of numbers": b"\x80\x04K\x01K\x02\x93.",
    "GLOBAL of builtins": b"c__builtin__\neval\n(U\x011tR.",
    "GLOBAL of getattr": b"cbuiltins\ngetattr\n(cnumpy\ndtype\nU\x03mrotR.",
    "GLOBAL of numpy.load": b"cnumpy\nload\n(U\x01xtR.",
    "GLOBAL with an escape": b"c\x1b[31mos\nsystem\n.",
    "GLOBAL of a long name": b"c" + b"a" * 100_000 + b"\nb\n.",
    "GLOBAL without an end": b"c" + b"a" * 1_000_000,
    "INST": b"(U\x04trueios\nsystem\n.",
    "OBJ": b"(cos\nsystem\nU\x04trueo.",
    "NEWOBJ": b"cnumpy\nndarray\n(K\x09t\x81.",
    "NEWOBJ_EX": b"\x80\x04cnumpy\nndarray\n)}\x92.",
    "REDUCE of a text": batch(b"U\x01a)R"),
    "REDUCE with no tuple": batch(b"cnumpy\ndtype\nU\x02u1R"),
    "REDUCE of codecs with a number": batch(b"c_codecs\nencode\n(K\x01K\x02tR"),
    "REDUCE of codecs with a tuple": batch(b"c_codecs\nencode\n)N\x86R"),
    "REDUCE of codecs with one argument": batch(b"c_codecs\nencode\n(X\x00\x00\x00\x00tR"),
    "REDUCE of numpy.ndarray": batch(b"cnumpy\nndarray\n(J\x00\x00\x00\x40tR"),
    "persistent id": b"Pid\n.",
    "binary persistent id": b"U\x01aQ.",
    "EXT1": b"\x82\x01.",
    "EXT2": b"\x83\x01\x00.",
    "EXT4": b"\x84\x01\x00\x00\x00.",
    "NEXT_BUFFER": b"\x80\x05\x97.",
    "READONLY_BUFFER": b"\x80\x05U\x01a\x98.",
    # state of numpy's types
    "forged state of a dtype": batch(
        array(TWO, dtype(b"u1", b"(K\x03U\x01|NNN" + MINUS * 2 + b"K\x3ft"), data=POINTERS)
    ),
    "dtype of objects": batch(
        array(TWO, dtype(b"O8", b"(K\x03U\x01|NNN" + MINUS * 2 + b"K\x3ft"), data=POINTERS)
    ),
    "dtype whose objects are not guarded": batch(array(TWO, UNGUARDED, data=POINTERS)),
    "dtype that is guarded too late": batch(
        array(TWO, UNGUARDED + b"q\x09", data=POINTERS)
        + b"U\x01xh\x09" + b"(K\x03U\x01|NNNK\x08K\x08K\x3ftb"
    ),
    "dtype with fields": batch(
        array(TWO, dtype(b"V8", b"(K\x03U\x01|N)}K\x08K\x08K\x3ft"), data=POINTERS)
    ),
    "dtype of floats": batch(array(dtype=DTYPE.replace(b"u1", b"f4"))),
    "dtype that is a text": batch(array(dtype=b"U\x02u1")),
    "dtype of itself": batch(array(dtype=b"cnumpy\ndtype\nq\x05h\x05\x85R")),
    "array without a state": batch(RECONSTRUCT),
    "array with a short state": batch(RECONSTRUCT + b"K\x01\x85b"),
    "array of other arguments": batch(b"cnumpy.core.multiarray\n_reconstruct\n)R"),
    "array with less than its shape": batch(array(data=string(b"ab"))),
    "array with a list of objects": batch(array(data=b"](K\x01K\x02e")),
    "array of a huge shape": batch(array(b"J\xff\xff\xff\x7fM\x00\x0c\x86")),
    "array of a negative shape": batch(array(b"J\xfe\xff\xff\xffM\x00\x0c\x86")),
    "array of nested shapes": batch(array(laughs(b"\x86"))),
    "array of one dimension": batch(array(b"M\x00\x18\x85")),
    "array whose order is a text": batch(array(fortran=b"U\x01F")),
    "state of a function": batch(b"cnumpy\nndarray\nK\x01b"),
    "state of a list": batch(b"]K\x01b"),
    "state of nothing": b"K\x01b.",
    "buffer of another dtype": pickle.dumps(AS_BYTES | {b"data": np.uint16(ROWS)}, 5),
    "array of objects": pickle.dumps(AS_BYTES | {b"data": ROWS.astype(object)}, 4),
    # size and time
    "LONG_BINPUT": b"\x80\x02}r\xff\xff\xff\x7f.",
    "LONG_BINPUT of nothing": b"r\xff\xff\xff\x7f",
    "LONG_BINGET of nothing": b"j\xff\xff\xff\x7f.",
    "BINGET of nothing": b"h\x01.",
    "PUT": b"}p99999999999\n.",
    "billion laughs of tuples": batch(laughs(b"\x86")),
    "billion laughs of tuples as a key": b"\x80\x02}" + laughs(b"\x86") + b"K\x01s.",
    "billion laughs of lists": batch(b"]" + b"q\x01](h\x01h\x01e" * 100),
    "nested tuples as a key": b"\x80\x02})" + b"\x85" * 9_000 + b"K\x01s.",
    "nested tuples": batch(b")" + b"\x85" * 9_000),
    "more nested tuples": batch(b")" + b"\x85" * 1_000_000),
    "nested lists": b"(l" * 100_000 + b".",
    "nested lists of protocol 1": b"](" * 9_000 + b"e" * 9_000 + b".",
    "marks": b"(" * 9_000 + b".",
    "a million marks": b"(" * 1_000_000 + b".",
    "a million empty lists": b"]" * 1_000_000 + b".",
    "a list in itself": batch(b"](q\x01h\x01e"),
    "a list that holds itself": batch(b"]q\x01h\x01a"),
    "one text encoded again and again": (
        b"\x80\x02}c_codecs\nencode\nq\x01X\x40\x42\x0f\x00" + b"a" * 1_000_000
        + b"q\x02X\x06\x00\x00\x00latin1q\x03(" + b"K\x01h\x01h\x02h\x03\x86R" * 1_000 + b"u."
    ),
    "text of 2 GB": b"\x80\x02T\xff\xff\xff\x7fab.",
    "text of less than nothing": b"\x80\x02T\xff\xff\xff\xffab.",
    "bytes of 8 EB": b"\x80\x04\x8e\xff\xff\xff\xff\xff\xff\xff\x7fab.",
    "bytes of 16 EB": b"\x80\x04\x8e\xff\xff\xff\xff\xff\xff\xff\xffab.",
    "bytearray of 8 EB": b"\x80\x05\x96\xff\xff\xff\xff\xff\xff\xff\x7fab.",
    "Unicode of 8 EB": b"\x80\x04\x8d\xff\xff\xff\xff\xff\xff\xff\x7fab.",
    "FRAME of 8 EB": b"\x80\x04\x95\xff\xff\xff\xff\xff\xff\xff\x7f}.",
    "FRAME without an end": b"\x80\x04\x95\xff\x00\x00\x00\x00\x00\x00\x00",
    "FRAME across its end": b"\x80\x04\x95\x01\x00\x00\x00\x00\x00\x00\x00}]K\x01s.",
    "LONG4 of 2 GB": b"\x80\x02\x8b\xff\xff\xff\x7f\x01.",
    "LONG4 of a million bytes": b"\x80\x02\x8b\x40\x42\x0f\x00" + b"\x7f" * 1_000_000 + b".",
    "LONG of a million digits": b"L" + b"9" * 1_000_000 + b"L\n.",
    "INT of a million digits": b"I" + b"9" * 1_000_000 + b"\n.",
    "FLOAT": b"F1e999\n.",
    "another protocol": b"\x80\xff}.",
    # values
    "no pickle": b"<html>",
    "nothing": b"",
    "STOP alone": b".",
    "no STOP": b"\x80\x02}",
    "two values": b"}}.",
    "a list": b"].",
    "an empty dictionary": b"}.",
    "an odd number of items": b"}(U\x01au.",
    "items of a number": b"K\x01(U\x01aK\x01u.",
    "items of nothing": b"(U\x01aK\x01u.",
    "an item of a tuple": b")K\x01a.",
    "TUPLE without a mark": b"t.",
    "POP below the bottom": b"00000.",
    "POP_MARK": b"1.",
    "DUP of nothing": b"2.",
    "BINUNICODE that is no UTF-8": b"X\x02\x00\x00\x00\xff\xff.",
    "batch without labels": batch(b"K\x01", b"N"),
    "labels as floats": labels(b"](G?\xfb333333K\x01e"),
    "labels as truth": labels(b"](\x88K\x01e"),
    "labels as texts": labels(b"](U\x013K\x01e"),
    "labels as lists": labels(b"]()K\x01e"),
    "labels as nested lists": labels(b"](](K\x01K\x02eK\x01e"),
    "labels as a tuple": labels(b"K\x03K\x09\x86"),
    "labels above all integers": labels(b"](\x8a\x09\x00\x00\x00\x00\x00\x00\x00\x00\x40K\x01e"),
    "labels beyond the classes": labels(b"](K\x0aK\x01e"),
    "labels below 0": labels(b"](J\xff\xff\xff\xffK\x01e"),
    "labels for more images": labels(b"](K\x01K\x01K\x01e"),
    "labels for fewer images": labels(b"](K\x01e"),
    "no images": batch(array(b"K\x00M\x00\x0c\x86", data=string(b"")), b"]"),
}  # fmt: skip
BAD_NAMES = {
    "a lone surrogate": b"](\x8c\x03\xed\xa0\x80",
    "a NUL": b"](U\x03a\x00b",
    "two lines": b"](U\x03a\nb",
    "an escape": b"](U\x06\x1b[31ma",
    "no UTF-8": b"](U\x02\xff\xfe",
    "an empty text": b"](U\x00",
    "a number": b"](K\x01",
    "a list": b"](]",
    "a million letters, again and again": (
        b"](" + string(b"a" * 1_000_000) + b"q\x01" + b"h\x01" * 9_000
    ),
    "300 letters": b"](" + string(b"a" * 300),
    "a text in place of the list": b"U\x01a(](",
}
