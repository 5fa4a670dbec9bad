"""Python batches of CIFAR-10: pickles, of which nothing is ever run.

A pickle is a program that may call any function. Even numpy's own types are unsafe: they take their
state from the file, and with a forged one, bytes of the file become pointers. So `pickletools`
reads the opcodes, and a machine of the few that batches consist of puts plain values together. What
the file would call is recorded, and the pixels are taken from the record.
"""

import pickletools
from typing import Any, NamedTuple

import numpy as np

PIXELS = 3 * 32 * 32  # of a row: all red, all green, all blue

VALUES = {
    *("BININT", "BININT1", "BININT2", "BINUNICODE", "SHORT_BINUNICODE"),
    *("BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8"),
}
CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
TUPLES = {"EMPTY_TUPLE": 0, "TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}
# Two names each: numpy 2 moved its private modules.
RECONSTRUCT = ("numpy.core.multiarray._reconstruct", "numpy._core.multiarray._reconstruct")
FROM_BUFFER = ("numpy.core.numeric._frombuffer", "numpy._core.numeric._frombuffer")
ENCODE = "_codecs.encode"  # Python 3 writes bytes so, in protocol 2
NAMES = (*RECONSTRUCT, *FROM_BUFFER, ENCODE, "numpy.ndarray", "numpy.dtype", "__builtin__.bytes")


class Name(str):
    """A function or class that the file names."""


class Call:
    """What the file would call, with which arguments, and the state that it would set then."""

    def __init__(self, name: Name, arguments: tuple[Any, ...]) -> None:
        self.name, self.arguments, self.state = name, arguments, None


class Batch(NamedTuple):
    """Pixels, uint8 (N, 3072), and labels, int64 (N,), of unknown range."""

    pixels: np.ndarray
    labels: np.ndarray


def read_batch(content: bytes) -> Batch:
    """Return the pixels and labels of a pickled batch; the pixels share memory with a part of it.

    Raises ValueError, LookupError or TypeError, with the reason, for anything else.
    """
    values = _evaluate(content)
    pixels, labels = _pixels(values.get(b"data")), values.get(b"labels")
    if not isinstance(labels, list) or not all(type(label) is int for label in labels):
        raise ValueError("its labels are no list of integers")
    if len(labels) != len(pixels):
        raise ValueError(f"it has {len(pixels)} images and {len(labels)} labels")
    return Batch(pixels, np.array(labels, np.int64))


def read_class_names(content: bytes) -> list[str]:
    """Return the names of the classes in `batches.meta`. Raises what `read_batch` raises."""
    names = _evaluate(content).get(b"label_names")
    if not isinstance(names, list) or not all(isinstance(name, bytes | str) for name in names):
        raise ValueError("its label_names are no list of texts")
    if sum(map(len, names)) > len(content):  # the same long one, again and again
        raise ValueError("more text than its size")
    return [name.decode() if isinstance(name, bytes) else name for name in names]


def _pixels(value: Any) -> np.ndarray:
    order: Any
    match value:
        case Call(state=(1, shape, kind, bool(fortran), data)) if value.name in RECONSTRUCT:
            order = "F" if fortran else "C"
        case Call(arguments=(data, kind, shape, order)) if value.name in FROM_BUFFER:
            order = order.decode() if isinstance(order, bytes) else order
        case _:
            raise ValueError("its data is no array")
    match kind:
        case Call(name="numpy.dtype", arguments=("u1" | b"u1", *_)):
            pass
        case _:
            raise ValueError("its data is not uint8")
    match shape:
        case (int(rows), 3072) if isinstance(data, bytes | bytearray):
            pixels = np.frombuffer(data, np.uint8)
            if rows * PIXELS == len(pixels) and order in ("C", "F"):
                return pixels.reshape(rows, PIXELS, order=order)
    raise ValueError(f"its data is not of shape (N, {PIXELS})")


def _evaluate(content: bytes) -> dict[bytes | str, Any]:
    """Return the dictionary that a pickle describes, with a `Call` for each object in it."""
    stack: list[Any] = []
    marks: list[int] = []
    memo: dict[int, Any] = {}
    # A file of other proportions would take hours and any memory: a genuine one, of rows of 3072
    # bytes, has up to 10 opcodes for each, and each of its texts once.
    opcodes = 10_000 + len(content) // 200
    encoded = len(content)

    def pop(count: int) -> tuple[Any, ...]:
        if count > len(stack):
            raise IndexError("too few values")
        return tuple(stack.pop() for _ in range(count))[::-1]

    argument: Any
    for opcode, argument, _ in pickletools.genops(content):
        opcodes -= 1
        if opcodes < 0:
            raise ValueError("too many opcodes for its size")
        match opcode.name:
            case "PROTO" | "FRAME" | "STOP":
                pass
            case name if name in VALUES:
                stack.append(argument)
            case "SHORT_BINSTRING" | "BINSTRING":  # Python 2's text, of unknown encoding
                stack.append(argument.encode("latin-1"))
            case name if name in CONSTANTS:
                stack.append(CONSTANTS[name])
            case "EMPTY_LIST":
                stack.append([])
            case "EMPTY_DICT":
                stack.append({})
            case name if name in TUPLES:
                stack.append(pop(TUPLES[name]))
            case "MARK":
                marks.append(len(stack))
            case "TUPLE" | "APPENDS" | "SETITEMS":
                items = pop(len(stack) - marks.pop())
                _add(stack, opcode.name, items)
            case "APPEND" | "SETITEM":
                _add(stack, f"{opcode.name}S", pop(1 if opcode.name == "APPEND" else 2))
            case "BINPUT" | "LONG_BINPUT":
                memo[argument] = stack[-1]
            case "MEMOIZE":
                memo[len(memo)] = stack[-1]
            case "BINGET" | "LONG_BINGET":
                stack.append(memo[argument])
            case "GLOBAL":
                stack.append(_name(argument.replace(" ", ".")))
            case "STACK_GLOBAL":
                stack.append(_name(".".join(pop(2))))
            case "REDUCE":
                function, arguments = pop(2)
                if not isinstance(function, Name) or not isinstance(arguments, tuple):
                    raise TypeError("a call of no function")
                if function == ENCODE:
                    text, _ = arguments
                    if not isinstance(text, str):
                        raise TypeError("bytes of no text")
                    encoded -= len(text)
                    if encoded < 0:
                        raise ValueError("more text than its size")
                    stack.append(text.encode("latin-1"))
                else:
                    stack.append(Call(function, arguments))
            case "BUILD":
                state = stack.pop()
                if not isinstance(stack[-1], Call):
                    raise TypeError("a state of no object")
                stack[-1].state = state
            case name:
                raise ValueError(f"opcode {name} is no part of a batch")
    (values,) = stack
    if not isinstance(values, dict):
        raise TypeError("not a dictionary")
    return values


def _add(stack: list[Any], opcode: str, items: tuple[Any, ...]) -> None:
    """Put a tuple on the stack, or items into the list or dictionary on top of it."""
    if opcode == "TUPLE":
        stack.append(items)
    elif opcode == "APPENDS":
        if not isinstance(stack[-1], list):
            raise TypeError("items of no list")
        stack[-1].extend(items)
    else:
        keys, values = items[::2], items[1::2]
        # Of text only: a tuple of tuples can take hours to be hashed, or all of C's stack.
        if not isinstance(stack[-1], dict) or not all(isinstance(k, bytes | str) for k in keys):
            raise TypeError("items of no dictionary with text as keys")
        stack[-1].update(zip(keys, values, strict=True))


def _name(name: str) -> Name:
    if name not in NAMES:
        raise ValueError(f"{ascii(name[:80])[1:-1]} is not allowed")
    return Name(name)
