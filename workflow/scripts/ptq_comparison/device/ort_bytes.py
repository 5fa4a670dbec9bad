"""A file in ORT format with its entries in order, so that it has the same bytes on every run.

onnxruntime ends such a file with a table of the types of operators, which stands in front of the
model. It writes the table in the order of hash maps, which differs from process to process.
"""

import flatbuffers
import onnxruntime.tools.ort_format_model  # noqa: F401  # puts the next one on the path
from ort_flatbuffers_py.fbs import (
    ArgTypeAndIndex,
    InferenceSession,
    KernelTypeStrArgsEntry,
    KernelTypeStrResolver,
    OpIdKernelTypeStrArgsEntry,
)

IDENTIFIER = b"ORTM"
ALIGNMENT = 16  # more than anything in the file asks for
Kinds = list[tuple[bytes, list[tuple[bytes, list[tuple[int, int]]]]]]


def in_order(data: bytes) -> bytes:
    """Return a file in ORT format with its table of types in alphabetical order.

    The model stays as it is, byte by byte. The schema is onnxruntime's
    core/flatbuffers/schema/ort.fbs.
    """
    session = InferenceSession.InferenceSession.GetRootAs(data, 0)
    root, model = session._tab, session.Model()._tab
    # A flatbuffer is written from its end to its start: behind the model lies what it refers to.
    # A table begins with the distance to the list of its fields, which may lie in front of it.
    distance = int.from_bytes(data[model.Pos : model.Pos + 4], "little", signed=True)
    kept = data[min(model.Pos, model.Pos - distance) :]
    version = root.Indirect(root.Pos + root.Offset(4))
    builder = flatbuffers.Builder(2 * len(data))
    builder.minalign = ALIGNMENT
    builder.head -= len(kept)
    builder.Bytes[builder.head :] = kept
    resolver = _write_kinds(builder, _read_kinds(session.KernelTypeStrResolver()))
    InferenceSession.Start(builder)
    InferenceSession.AddOrtVersion(builder, len(data) - version)
    InferenceSession.AddModel(builder, len(data) - model.Pos)
    InferenceSession.AddKernelTypeStrResolver(builder, resolver)
    builder.Finish(InferenceSession.End(builder), file_identifier=IDENTIFIER)
    return bytes(builder.Output())


def _read_kinds(resolver: KernelTypeStrResolver.KernelTypeStrResolver) -> Kinds:
    """Return by operator and name of a type where it stands among inputs and outputs."""
    found = []
    for number in range(resolver.OpKernelTypeStrArgsLength()):
        operator = resolver.OpKernelTypeStrArgs(number)
        names = []
        for place in range(operator.KernelTypeStrArgsLength()):
            name = operator.KernelTypeStrArgs(place)
            arguments = [name.Args(index) for index in range(name.ArgsLength())]
            places = [(argument.ArgType(), argument.Index()) for argument in arguments]
            names.append((name.KernelTypeStr(), places))
        found.append((operator.OpId(), sorted(names)))
    return sorted(found)


def _write_kinds(builder: flatbuffers.Builder, kinds: Kinds) -> int:
    """Write what `_read_kinds` returns, and return its offset."""
    operators = []
    for operator, names in kinds:
        entries = []
        for name, places in names:
            arguments = []
            for kind, index in places:
                ArgTypeAndIndex.Start(builder)
                ArgTypeAndIndex.AddArgType(builder, kind)
                ArgTypeAndIndex.AddIndex(builder, index)
                arguments.append(ArgTypeAndIndex.End(builder))
            written, text = _write_vector(builder, arguments), builder.CreateString(name)
            KernelTypeStrArgsEntry.Start(builder)
            KernelTypeStrArgsEntry.AddKernelTypeStr(builder, text)
            KernelTypeStrArgsEntry.AddArgs(builder, written)
            entries.append(KernelTypeStrArgsEntry.End(builder))
        written, text = _write_vector(builder, entries), builder.CreateString(operator)
        OpIdKernelTypeStrArgsEntry.Start(builder)
        OpIdKernelTypeStrArgsEntry.AddOpId(builder, text)
        OpIdKernelTypeStrArgsEntry.AddKernelTypeStrArgs(builder, written)
        operators.append(OpIdKernelTypeStrArgsEntry.End(builder))
    written = _write_vector(builder, operators)
    KernelTypeStrResolver.Start(builder)
    KernelTypeStrResolver.AddOpKernelTypeStrArgs(builder, written)
    return int(KernelTypeStrResolver.End(builder))


def _write_vector(builder: flatbuffers.Builder, offsets: list[int]) -> int:
    builder.StartVector(4, len(offsets), 4)
    for offset in reversed(offsets):
        builder.PrependUOffsetTRelative(offset)
    return int(builder.EndVector())
