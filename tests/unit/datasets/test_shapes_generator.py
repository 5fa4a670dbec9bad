"""The data set shapes keeps its bytes, and the shipped classifier is the one its card describes."""

from __future__ import annotations

import hashlib
import re
from functools import cache

import numpy as np
import onnx
import onnxruntime
import pytest
from helpers import REPOSITORY
from numpy.typing import NDArray
from ptq_comparison.datasets import shapes_generator
from ptq_comparison.model.bundled import decode_bundled

RESOURCES = REPOSITORY / "workflow" / "resources"
CARD = RESOURCES / "resnet8_shapes.md"

# SHA-256 of the images' bytes followed by the labels' (int64, little-endian).
PINNED = [
    ("train", 1_000, "ad98e2b274002c8055b319ef80a6c1354b921b2da6d85d058dbdd556ee73dab6"),
    ("validation", 1_000, "43c7f7bdb932cb081156206aa16800e460b5e7ca2cd2a89865b706ca1a7ecc42"),
    ("calibration", 5_000, "3793f30f4ed9f526f8c63bed7c23cb647d4b6c7290aff4c84830a5c629770848"),
    ("test", 10_000, "bf3d0109e6abff3629c856ed3847a2ac313a79482fdddf623e911d4813966cd2"),
]

Stream = tuple[NDArray[np.uint8], NDArray[np.int64]]


@cache
def whole(stream: str) -> Stream:
    return shapes_generator.generate(stream)


def pixel_hashes(images: NDArray[np.uint8]) -> set[bytes]:
    return {hashlib.sha256(image.tobytes()).digest() for image in images}


@pytest.mark.parametrize(("stream", "count", "expected"), PINNED)
def test_bytes_are_pinned(stream: str, count: int, expected: str) -> None:
    images, labels = whole(stream) if count >= 5_000 else shapes_generator.generate(stream, count)
    assert images.shape == (count, 32, 32, 3)
    assert (images.dtype.name, labels.dtype.name) == ("uint8", "int64")
    data = images.tobytes() + labels.astype("<i8").tobytes()
    assert hashlib.sha256(data).hexdigest() == expected


@pytest.mark.parametrize("stream", ["calibration", "test"])
def test_classes_are_exactly_balanced(stream: str) -> None:
    images, labels = whole(stream)
    assert len(images) == shapes_generator.STREAM_SIZES[stream]
    share = len(images) // len(shapes_generator.CLASS_NAMES)
    assert np.bincount(labels).tolist() == [share] * len(shapes_generator.CLASS_NAMES)


def test_all_images_differ_within_and_between_streams() -> None:
    parts = [whole("calibration")[0], whole("test")[0]]
    parts += [shapes_generator.generate(stream, 2_000)[0] for stream in ("train", "validation")]
    assert len(pixel_hashes(np.concatenate(parts))) == sum(len(part) for part in parts)


@pytest.mark.parametrize("count", [0, 1, 99, 100, 250])
def test_a_prefix_does_not_depend_on_the_count(count: int) -> None:
    images, labels = shapes_generator.generate("test", count)
    assert images.shape == (count, 32, 32, 3)
    np.testing.assert_array_equal(images, whole("test")[0][:count])
    np.testing.assert_array_equal(labels, whole("test")[1][:count])


def test_unknown_stream_is_refused_with_the_allowed_names() -> None:
    with pytest.raises(ValueError, match=r"'tset'.*train, validation, calibration, test"):
        shapes_generator.generate("tset")


@pytest.mark.parametrize("count", [-1, 10_001])
def test_count_outside_the_stream_is_refused(count: int) -> None:
    with pytest.raises(ValueError, match=f"0 to 10000 images, not {count}"):
        shapes_generator.generate("test", count)


def from_card(pattern: str) -> str:
    """The one place in the model card where a pattern with a group matches."""
    found = re.findall(pattern, CARD.read_text(encoding="utf-8"))
    assert len(found) == 1, f"{CARD.name}: {pattern!r} found {len(found)} times"
    return str(found[0])


def run_model(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    session = onnxruntime.InferenceSession(decode_bundled(), providers=["CPUExecutionProvider"])
    return np.asarray(session.run(None, {"input": images.astype(np.float32)})[0])


def test_card_names_the_shipped_file() -> None:
    data = decode_bundled()
    assert from_card(r"\b([0-9a-f]{64})\b") == hashlib.sha256(data).hexdigest()
    assert from_card(r"([0-9,]+) bytes").replace(",", "") == str(len(data))


def test_card_states_the_accuracy_on_test() -> None:
    images, labels = whole("test")
    parts = [run_model(images[i : i + 1_000]).argmax(1) for i in range(0, len(images), 1_000)]
    stated = int(from_card(r"\| test \|[^|]*\|\s*([0-9,]+) of 10,000").replace(",", ""))
    # Kernels of other CPUs round otherwise, which may move an image on the edge of two classes.
    assert abs(int(np.sum(np.concatenate(parts) == labels)) - stated) <= 5


def test_graph_is_resnet8_with_folded_batch_normalization() -> None:
    model = onnx.load_from_string(decode_bundled())
    onnx.checker.check_model(model, full_check=True)
    kinds = [node.op_type for node in model.graph.node]
    assert len(kinds) == 25
    assert (kinds.count("Conv"), kinds.count("Relu"), kinds.count("Add")) == (9, 7, 4)
    names = [node.name for node in model.graph.node]
    assert all(names)
    assert len(set(names)) == 25
    assert [(item.domain, item.version) for item in model.opset_import] == [("", 13)]
    assert model.graph.input[0].type.tensor_type.shape.dim[0].dim_param == "batch"


@pytest.mark.parametrize("batch", [1, 7])
def test_any_batch_gives_probabilities(batch: int) -> None:
    probabilities = run_model(whole("test")[0][:batch])
    assert probabilities.shape == (batch, len(shapes_generator.CLASS_NAMES))
    assert (probabilities >= 0).all()
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)
