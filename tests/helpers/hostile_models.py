"""ONNX files that no exporter has written: each function writes `model.onnx` into a folder.

They are variants of the tiny classifier, or no model at all.
"""

import gzip
import itertools
import os
import zipfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from onnx import AttributeProto, ModelProto, NodeProto, TensorProto, helper, numpy_helper

from helpers.models import make_classifier

Writer = Callable[[Path], None]
HUGE = 2**40  # elements


def hostile_files() -> dict[str, Writer]:
    """Return a writer for each kind of file, by a name that says what is wrong with it."""
    return {
        **{name: _bytes(content) for name, content in _no_models().items()},
        **{f"external: {name}": writer for name, writer in _external().items()},
        **{name: _changed(change) for name, change in {**_interfaces(), **_tensors()}.items()},
        **{f"node: {name}": _changed(change) for name, change in _attributes().items()},
        "zip": _zip,
        "sparse file of 3 GB": _sparse,
    }


def greedy_files() -> dict[str, Writer]:
    """Return writers of models that are valid and take more memory or time than there is."""
    return {name: _changed(change) for name, change in _greedy().items()}


def broken_copies(count: int, seed: int) -> Iterator[bytes]:
    """Yield `count` copies of a genuine model, each with a few bits turned, or cut short."""
    generator = np.random.default_rng(seed)
    genuine = np.frombuffer(make_classifier().SerializeToString(), np.uint8)
    for number in range(count):
        copy = genuine.copy()
        if number % 4:
            places = generator.integers(0, len(copy), generator.integers(1, 4))
            copy[places] ^= np.uint8(1) << generator.integers(0, 8, len(places)).astype(np.uint8)
        else:
            copy = copy[: generator.integers(0, len(copy))]
        yield copy.tobytes()


def _bytes(content: bytes) -> Writer:
    return lambda folder: (folder / "model.onnx").write_bytes(content) and None


def _changed(change: Callable[[ModelProto], Any]) -> Writer:
    def write(folder: Path) -> None:
        model = make_classifier()
        change(model)
        (folder / "model.onnx").write_bytes(model.SerializeToString())

    return write


def _zip(folder: Path) -> None:
    with zipfile.ZipFile(folder / "model.onnx", "w") as archive:
        archive.writestr("model.onnx", make_classifier().SerializeToString())


def _sparse(folder: Path) -> None:
    (folder / "model.onnx").touch()
    os.truncate(folder / "model.onnx", 3 << 30)


def _no_models() -> dict[str, bytes]:
    genuine = make_classifier().SerializeToString()
    graph_of_2_gb = b"\x3a\xff\xff\xff\xff\x07"
    return {
        "empty": b"",
        "HTML": b"<!DOCTYPE html><html><title>404</title></html>",
        "JSON": b'{"error": "not found"}',
        "pointer of Git LFS": b"version https://git-lfs.github.com/spec/v1\n"
        b"oid sha256:" + b"4d7a2146" * 8 + b"\nsize 12345\n",
        "HDF5": b"\x89HDF\r\n\x1a\n" + bytes(500),
        "PNG": b"\x89PNG\r\n\x1a\n" + bytes(100),
        "gzip": gzip.compress(genuine, mtime=0),
        "UTF-16": "this is text".encode("utf-16"),
        "zeros": bytes(10_000),
        "ones": b"\xff" * 10_000,
        "graph that claims 2 GB": graph_of_2_gb + genuine,
        "length without an end": genuine + b"\x3a" + b"\xff" * 12,
        "half": genuine[: len(genuine) // 2],
        "twice": genuine + genuine,
        "graphs in graphs, 10,000 deep": _nested(10_000),
        "graphs in graphs, 25 deep": _nested(25),
        "name that is not UTF-8": genuine.replace(b"image", b"im\xffge"),
        "node that is not UTF-8": genuine.replace(b"softmax", b"s\xffftmax"),
        "type that is not UTF-8": genuine.replace(b"Softmax", b"S\xffftmax"),
    }


def _nested(depth: int) -> bytes:
    """Return a model whose first node holds a graph, whose node holds a graph, ..."""

    def field(number: int, content: bytes) -> bytes:
        length, size = b"", len(content)
        while size > 127:
            length += bytes([size & 127 | 128])
            size >>= 7
        return bytes([number << 3 | 2]) + length + bytes([size]) + content

    def attribute(graph: bytes) -> bytes:
        branch = bytes([20 << 3 & 127 | 128, 1, AttributeProto.GRAPH])
        return field(1, b"then_branch") + field(6, graph) + branch

    graph = field(2, b"end")
    for _ in range(depth):
        graph = field(1, field(2, b"y") + field(4, b"If") + field(5, attribute(graph)))
    model = make_classifier()
    del model.graph.node[:]
    return model.SerializeToString() + field(7, graph)


def _external() -> dict[str, Writer]:
    """Leave the weights to files that are no such files."""

    def outside(folder: Path) -> None:
        (folder.parent / "w.data").write_bytes(bytes(1000))

    def link(folder: Path) -> None:
        (folder / "w.data").symlink_to("/etc/passwd")

    def linked_folder(folder: Path) -> None:
        (folder / "sub").symlink_to("/etc")

    fifo = lambda folder: os.mkfifo(folder / "w.data")  # noqa: E731
    directory = lambda folder: (folder / "w.data").mkdir()  # noqa: E731
    short = lambda folder: (folder / "w.data").write_bytes(bytes(100))  # noqa: E731
    whole = lambda folder: (folder / "w.data").write_bytes(bytes(324))  # noqa: E731
    nothing = lambda folder: None  # noqa: E731
    cases: dict[str, tuple[Callable[[Path], Any], dict[str, str]]] = {
        "device": (nothing, {"location": "/dev/zero"}),
        "device, from here": (nothing, {"location": "../../../../../../dev/zero"}),
        "/etc/passwd": (nothing, {"location": "/etc/passwd"}),
        "above": (outside, {"location": "../w.data"}),
        "above and back": (whole, {"location": "../nowhere/w.data"}),
        "link": (link, {"location": "w.data"}),
        "linked folder": (linked_folder, {"location": "sub/passwd"}),
        "FIFO": (fifo, {"location": "w.data"}),
        "directory": (directory, {"location": "w.data"}),
        "itself": (nothing, {"location": "model.onnx", "length": "999999"}),
        "gone": (nothing, {"location": "w.data"}),
        "short": (short, {"location": "w.data"}),
        "offset beyond": (whole, {"location": "w.data", "offset": "1000"}),
        "offset of 2^70": (whole, {"location": "w.data", "offset": str(2**70)}),
        "negative offset": (whole, {"location": "w.data", "offset": "-8"}),
        "length beyond": (whole, {"location": "w.data", "length": "1000000000000"}),
        "negative length": (whole, {"location": "w.data", "length": "-1"}),
        "length that is no number": (whole, {"location": "w.data", "length": "many"}),
        "no location": (whole, {"offset": "0"}),
        "empty location": (whole, {"location": ""}),
        "this folder": (whole, {"location": "."}),
        "NUL": (whole, {"location": "w.data\0x"}),
        "long location": (whole, {"location": "w" * 5000}),
    }

    def writer(prepare: Callable[[Path], Any], entries: dict[str, str]) -> Writer:
        def write(folder: Path) -> None:
            model = make_classifier()
            weights = model.graph.initializer[0]
            weights.ClearField("raw_data")
            weights.data_location = TensorProto.EXTERNAL
            for key, value in entries.items():
                weights.external_data.add(key=key, value=value)
            prepare(folder)
            (folder / "model.onnx").write_bytes(model.SerializeToString())

        return write

    return {name: writer(*case) for name, case in cases.items()}


def _set_input(shape: Sequence[Any], element: int = TensorProto.FLOAT) -> Callable[..., Any]:
    value = helper.make_tensor_value_info("image", element, shape)
    return lambda model: model.graph.input[0].CopyFrom(value)


def _interfaces() -> dict[str, Callable[[ModelProto], Any]]:
    """Change what a model says about itself."""

    def version(number: int) -> Callable[[ModelProto], Any]:
        return lambda model: setattr(model.opset_import[0], "version", number)

    def sequence(model: ModelProto) -> None:
        tensor = helper.make_tensor_type_proto(TensorProto.FLOAT, [1])
        for value in (model.graph.input[0], model.graph.output[0]):
            value.type.CopyFrom(helper.make_sequence_type_proto(tensor))

    def unknown_type(model: ModelProto) -> None:
        model.graph.input[0].type.tensor_type.elem_type = 99

    def circle(model: ModelProto) -> None:
        model.graph.node[1].input[0] = "f"

    def recursion(model: ModelProto) -> None:
        opsets = [*model.opset_import, helper.make_opsetid("f", 1)]
        nodes = [helper.make_node("f", ["x"], ["y"], domain="f")]
        model.functions.append(helper.make_function("f", "f", ["x"], ["y"], nodes, opsets))
        model.opset_import.append(opsets[-1])
        model.graph.node[2].op_type, model.graph.node[2].domain = "f", "f"

    return {
        "batch of 100,000": lambda model: model.CopyFrom(make_classifier(batch=100_000)),
        "batch of 2^40": lambda model: model.CopyFrom(make_classifier(batch=HUGE)),
        "image of 10^6 x 10^6": _set_input(["batch", 10**6, 10**6, 3]),
        "negative sizes": _set_input([-5, -8, -8, 3]),
        "scalar input": _set_input([]),
        "rank of 1,000": _set_input([1] * 1000),
        "sequences": sequence,
        "unknown type": unknown_type,
        "text": _set_input(["batch", 8, 8, 3], TensorProto.STRING),
        "no graph": lambda model: model.ClearField("graph"),
        "no nodes": lambda model: model.graph.ClearField("node"),
        "no inputs": lambda model: model.graph.ClearField("input"),
        "no outputs": lambda model: model.graph.ClearField("output"),
        "no opset": lambda model: model.ClearField("opset_import"),
        "opset 0": version(0),
        "opset -1": version(-1),
        "opset 10^9": version(10**9),
        "IR 0": lambda model: setattr(model, "ir_version", 0),
        "IR 10^6": lambda model: setattr(model, "ir_version", 10**6),
        "circle": circle,
        "function that calls itself": recursion,
    }


def _tensors() -> dict[str, Callable[[ModelProto], Any]]:
    """Change the weights, or what is claimed about them."""

    def claim(*sizes: int) -> Callable[[ModelProto], Any]:
        def change(model: ModelProto) -> None:
            model.graph.initializer[0].dims[:] = sizes

        return change

    def data(content: bytes) -> Callable[[ModelProto], Any]:
        return lambda model: setattr(model.graph.initializer[0], "raw_data", content)

    def element(number: int) -> Callable[[ModelProto], Any]:
        return lambda model: setattr(model.graph.initializer[0], "data_type", number)

    def listed(model: ModelProto) -> None:
        model.graph.initializer[0].ClearField("raw_data")
        model.graph.initializer[0].float_data[:] = [1.0, 2.0]

    def both(model: ModelProto) -> None:
        model.graph.initializer[0].float_data[:] = [1.0] * 81

    def sparse(model: ModelProto) -> None:
        values = helper.make_tensor("w", TensorProto.FLOAT, [1], [1.0])
        indices = helper.make_tensor("i", TensorProto.INT64, [1], [HUGE - 1])
        del model.graph.initializer[:]
        model.graph.sparse_initializer.append(
            helper.make_sparse_tensor(values, indices, [2**20, 2**20])
        )

    return {
        "weights of 2^40 elements": claim(HUGE),
        "weights of 2^70 elements": claim(2**35, 2**35),
        "weights of -81 elements": claim(-3, 3, 3, 3),
        "weights of 0 elements": claim(0, 3, 3, 3),
        "weights that are cut short": data(bytes(100)),
        "weights that are too long": data(bytes(1000)),
        "weights that are absent": data(b""),
        "weights of type 0": element(0),
        "weights of type 99": element(99),
        "weights of texts": element(TensorProto.STRING),
        "list of weights that is cut short": listed,
        "weights given twice": both,
        "sparse weights of 2^40 elements": sparse,
    }


def _attributes() -> dict[str, Callable[[ModelProto], Any]]:
    """Give a node a value that it cannot work with."""

    def conv(**attributes: Any) -> Callable[[ModelProto], Any]:
        return lambda model: model.graph.node[1].attribute.extend(
            helper.make_attribute(name, value) for name, value in attributes.items()
        )

    def before(*nodes: tuple[str, Any, dict[str, Any]]) -> Callable[[ModelProto], Any]:
        return lambda model: insert(model, *nodes)

    integers = np.array([0, 0], np.int64)
    return {
        "group 0": conv(group=0),
        "group -1": conv(group=-1),
        "stride 0": conv(strides=[0, 0]),
        "stride -1": conv(strides=[-1, -1]),
        "stride 2^62": conv(strides=[2**62, 2**62]),
        "dilation 0": conv(dilations=[0, 0]),
        "dilation 2^62": conv(dilations=[2**62, 2**62]),
        "kernel of another shape": conv(kernel_shape=[2**31, 2**31]),
        "attribute twice": conv(auto_pad="VALID", group=1),
        "axis 99": before(("Softmax", [], {"axis": 99})),
        "order that is none": before(("Transpose", [], {"perm": [0, 0, 9, -1]})),
        "shape of two open sizes": before(("Reshape", [np.array([-1, -1])], {})),
        "shape of 2^62": before(("Reshape", [np.array([2**62, 2**62])], {})),
        "index beyond": before(("Gather", [np.array([2**40])], {"axis": 3})),
        "step 0": before(
            ("Slice", [integers[:1], integers[:1] + 9, integers[:1] + 3, integers[:1]], {})
        ),
        "pool without a kernel": before(("MaxPool", [], {"kernel_shape": [0, 0]})),
        "pads beyond": before(
            ("MaxPool", [], {"kernel_shape": [1, 1], "pads": [2**40, 0, 2**40, 0]})
        ),
        "negative pads": before(("Pad", [np.array([0, 0, -99, 0, 0, 0, 0, 0])], {})),
        "mean without numbers": before(
            ("BatchNormalization", [np.zeros(0, np.float32)] * 4, {"epsilon": float("nan")})
        ),
        "division of integers by 0": _integer_division("Div"),
        "remainder of integers by 0": _integer_division("Mod"),
    }


def insert(model: ModelProto, *nodes: tuple[str, Any, dict[str, Any]]) -> None:
    """Put nodes in front of the first Relu: type, constants, attributes."""
    place = next(i for i, node in enumerate(model.graph.node) if node.op_type == "Relu")
    tensor = "c"
    for number, (op_type, constants, attributes) in enumerate(nodes):
        names = [f"k{number}_{index}" for index in range(len(constants))]
        model.graph.initializer.extend(map(numpy_helper.from_array, constants, names))
        node = helper.make_node(op_type, [tensor, *names], [f"n{number}"], **attributes)
        model.graph.node.insert(place + number, node)
        tensor = f"n{number}"
    model.graph.node[place + len(nodes)].input[0] = tensor


def _integer_division(op_type: str) -> Callable[[ModelProto], Any]:
    def change(model: ModelProto) -> None:
        insert(
            model,
            ("Cast", [], {"to": TensorProto.INT64}),
            (op_type, [np.array(0, np.int64)], {}),
            ("Cast", [], {"to": TensorProto.FLOAT}),
        )

    return change


def _greedy() -> dict[str, Callable[[ModelProto], Any]]:
    def before(*nodes: tuple[str, Any, dict[str, Any]]) -> Callable[[ModelProto], Any]:
        return lambda model: insert(model, *nodes)

    def endless(model: ModelProto) -> None:
        insert(model, ("Loop", [], {"body": _endless_body()}))
        loop = next(node for node in model.graph.node if node.op_type == "Loop")
        model.graph.initializer.append(numpy_helper.from_array(np.array(2**62), "trips"))
        loop.input[:] = ["trips", "", "c"]

    def doubling(model: ModelProto) -> None:
        insert(model, *[("Concat", [], {"axis": 3})] * 36)
        for node in model.graph.node:
            if node.op_type == "Concat":
                node.input.append(node.input[0])

    def added(model: ModelProto) -> None:
        """Add a tensor to itself, turned: from (n, 1) to (n, n), and so on."""
        flat = ("Reshape", [np.array([-1, 1])], {})
        turned = ("Transpose", [], {})
        insert(model, *[flat, turned, ("Add", [], {})] * 5)
        for node in model.graph.node:
            if node.op_type == "Add":
                node.input.append(f"n{int(node.input[0][1:]) - 1}")

    def constant(shape: Sequence[int]) -> Callable[[ModelProto], Any]:
        def change(model: ModelProto) -> None:
            insert(model, ("Add", [], {}))
            model.graph.initializer.append(numpy_helper.from_array(np.array(shape), "shape"))
            next(n for n in model.graph.node if n.op_type == "Add").input.append("small")
            for number, node in enumerate(
                (
                    helper.make_node("ConstantOfShape", ["shape"], ["large"]),
                    helper.make_node("ReduceMax", ["large"], ["small"]),
                )
            ):
                model.graph.node.insert(number, node)

        return change

    scales = np.array([1, 1, 1e6, 1e6], np.float32)
    return {
        "Loop without an end": endless,
        "Tile to 3 GB": before(("Tile", [np.array([1, 1, 1000, 2000])], {})),
        "Tile to 9 GB": before(("Tile", [np.array([1, 1, 2000, 3000])], {})),
        "Tile to 2^60": before(("Tile", [np.array([1, 1, 2**26, 2**26])], {})),
        "Expand to 2^40": before(
            ("Expand", [np.array([2**32, 1, 1, 1, 1])], {}),
            ("ReduceMax", [], {"axes": [0], "keepdims": 0}),
        ),
        "Resize by 10^6": before(("Resize", [np.zeros(0, np.float32), scales], {})),
        "Pad to 2^40": before(("Pad", [np.array([0, 0, 2**20, 2**20, 0, 0, 0, 0])], {})),
        "ConstantOfShape of 2^40": constant([2**20, 2**20, 1, 1]),
        "ConstantOfShape of 2^62": constant([2**31, 2**31, 1, 1]),
        "Concat with itself, 36 times": doubling,
        "Add to itself, turned": added,
    }


def exploding_functions(folder: Path) -> None:
    """Write a model whose functions call the one before twice: 2^40 nodes in all."""
    model = make_classifier()
    opsets = [*model.opset_import, helper.make_opsetid("f", 1)]
    for level in range(40):
        inner = ("Relu", "") if not level else (f"f{level - 1}", "f")
        nodes = [
            helper.make_node(inner[0], ["x"], ["m"], domain=inner[1]),
            helper.make_node(inner[0], ["m"], ["y"], domain=inner[1]),
        ]
        model.functions.append(helper.make_function("f", f"f{level}", ["x"], ["y"], nodes, opsets))
    model.opset_import.append(opsets[-1])
    model.graph.node[2].op_type, model.graph.node[2].domain = "f39", "f"
    (folder / "model.onnx").write_bytes(model.SerializeToString())


def many_nodes(folder: Path) -> None:
    """Write a model of 10^6 nodes."""
    model = make_classifier()
    place = next(i for i, node in enumerate(model.graph.node) if node.op_type == "Relu")
    before, after = list(model.graph.node)[:place], list(model.graph.node)[place:]
    names = ["c", *(f"n{number}" for number in range(10**6))]
    after[0].input[0] = names[-1]
    chain = [
        NodeProto(op_type="Identity", input=[one], output=[other])
        for one, other in itertools.pairwise(names)
    ]
    del model.graph.node[:]
    model.graph.node.extend([*before, *chain, *after])
    (folder / "model.onnx").write_bytes(model.SerializeToString())


def _endless_body() -> Any:
    value = helper.make_tensor_value_info
    return helper.make_graph(
        [
            helper.make_node("Identity", ["going"], ["goes"]),
            helper.make_node("Identity", ["in"], ["out"]),
        ],
        "body",
        [
            value("number", TensorProto.INT64, []),
            value("going", TensorProto.BOOL, []),
            value("in", TensorProto.FLOAT, None),
        ],
        [value("goes", TensorProto.BOOL, []), value("out", TensorProto.FLOAT, None)],
    )
