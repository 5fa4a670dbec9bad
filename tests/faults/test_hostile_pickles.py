"""Batches of CIFAR-10 that are no batches: each is refused in a line, or read without harm."""

import pickle
import pickletools
import time
from collections.abc import Callable

import numpy as np
import pytest
from helpers.cifar10_files import NAMES, write_python_version
from helpers.hostile_data import attack
from helpers.hostile_pickles import ATTACKS, BAD_NAMES, WRITERS
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st


@pytest.fixture
def sent(tmp_path, tally) -> Callable[[bytes, str], str]:
    """Return a function that sends bytes to the reader in place of a batch; it tells the result."""
    folder = write_python_version(tmp_path / "cifar")

    def send(content: bytes, file: str = "test_batch") -> str:
        (folder / file).write_bytes(content)
        outcome = attack("cifar10", folder, tmp_path)
        tally("hostile pickle", 1, 1)
        return f"{outcome.kind}: {outcome.text}"

    return send


@pytest.mark.parametrize("writer", WRITERS)
def test_genuine_batches_of_every_writer_are_read(sent, writer):
    assert sent(WRITERS[writer]).startswith("returned")


def test_genuine_names_are_read(sent):
    for protocol in (2, 3, 4, 5):
        for names in (NAMES, [name.encode() for name in NAMES]):
            content = pickle.dumps({b"label_names": names, b"num_vis": 3072}, protocol)
            assert sent(content, "batches.meta").startswith("returned")


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_is_refused(sent, name):
    assert sent(ATTACKS[name]).startswith("refused")


def test_nothing_was_run(sent, tmp_path):
    marker = tmp_path / "marker"
    command = f"touch {marker}".encode()
    sent(b"cos\nsystem\n(" + b"U" + bytes([len(command)]) + command + b"tR.")
    assert not marker.exists()


@pytest.mark.parametrize("name", BAD_NAMES)
def test_a_bad_class_name_is_refused(sent, name):
    content = b"\x80\x04}U\x0blabel_names" + BAD_NAMES[name] + b"U\x01ae" + b"s."
    assert sent(content, "batches.meta").startswith("refused")


def tokens_of(content: bytes) -> list[bytes]:
    """Cut a pickle into its opcodes with their arguments."""
    places = [place for _, _, place in pickletools.genops(content)]
    ends = [*places[1:], len(content)]
    return [content[place:end] for place, end in zip(places, ends, strict=True)]


TOKENS = {name: tokens_of(content) for name, content in WRITERS.items()}
OPCODES = [opcode.code.encode("latin-1") for opcode in pickletools.opcodes]
edits = st.one_of(
    st.tuples(st.just("remove"), st.integers(0, 60), st.just(b"")),
    st.tuples(st.just("repeat"), st.integers(0, 60), st.integers(1, 3)),
    st.tuples(st.just("insert"), st.integers(0, 60), st.sampled_from(OPCODES)),
    st.tuples(st.just("insert"), st.integers(0, 60), st.binary(max_size=9)),
    st.tuples(st.just("replace"), st.integers(0, 60), st.sampled_from(OPCODES)),
    st.tuples(st.just("argument"), st.integers(0, 60), st.binary(min_size=1, max_size=8)),
    st.tuples(st.just("swap"), st.integers(0, 60), st.integers(0, 60)),
    st.tuples(st.just("cut"), st.integers(0, 60), st.just(b"")),
)


def edited(writer: str, changes: list[tuple]) -> bytes:
    """Return a genuine batch whose opcodes were changed."""
    tokens = list(TOKENS[writer])
    for kind, place, what in changes:
        at = place % max(1, len(tokens))
        match kind:
            case "remove":
                del tokens[at : at + 1]
            case "repeat":
                tokens[at:at] = tokens[at : at + what]
            case "insert":
                tokens.insert(at, what)
            case "replace":
                tokens[at : at + 1] = [what + token[1:] for token in tokens[at : at + 1]]
            case "argument":
                tokens[at : at + 1] = [
                    token[:1] + what[: len(token) - 1] + token[1 + len(what) :]
                    for token in tokens[at : at + 1]
                ]
            case "swap":
                other = what % max(1, len(tokens))
                if tokens:
                    tokens[at], tokens[other] = tokens[other], tokens[at]
            case "cut":
                del tokens[at:]
    return b"".join(tokens)


@pytest.mark.parametrize(
    "count", [150, pytest.param(5_000, marks=[pytest.mark.soak])], ids=["short", "long"]
)
def test_changed_opcodes_do_no_harm(sent, record_property, count):
    kinds = {"returned": 0, "refused": 0}
    begin = time.monotonic()

    # What the process of a trial inherits must not grow, so examples are not kept.
    @seed(20)
    @settings(
        max_examples=count, deadline=None, database=None, suppress_health_check=list(HealthCheck)
    )
    @given(st.sampled_from(sorted(WRITERS)), st.lists(edits, min_size=1, max_size=6))
    def trial(writer, changes):
        kinds[sent(edited(writer, changes)).split(":")[0]] += 1

    trial()
    seconds = time.monotonic() - begin
    record_property(
        "told",
        f"pickles with changed opcodes: {sum(kinds.values())} executions in {seconds:.1f} s, "
        f"0 crashes, {kinds['refused']} refused, {kinds['returned']} read",
    )
    assert min(kinds.values()) > 0


@pytest.mark.soak
def test_any_bytes_do_no_harm(sent):
    generator = np.random.default_rng(0)
    for _ in range(1_000):
        content = bytearray(WRITERS["Python 2"][: generator.integers(10, 400)])
        for place in generator.integers(0, len(content), generator.integers(1, 9)):
            content[place] = generator.integers(0, 256)
        assert sent(bytes(content)).startswith(("refused", "returned"))
