"""Execution providers of onnxruntime: their names, sessions with them, and which of them ran what.

onnxruntime falls back to the CPU without an error: for a provider that it has not, for one that it
cannot load, and for each node that a provider does not take.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime

from ptq_comparison.common.errors import UserError
from ptq_comparison.common.provider_names import CPU, ran_elsewhere, short_name

OPENVINO, XNNPACK = "OpenVINOExecutionProvider", "XnnpackExecutionProvider"
# On PyPI. Each holds an onnxruntime of its own, in place of the package onnxruntime.
PACKAGES = {
    OPENVINO: "onnxruntime-openvino",
    "CANNExecutionProvider": "onnxruntime-cann",
    "CUDAExecutionProvider": "onnxruntime-gpu",
    "DmlExecutionProvider": "onnxruntime-directml",
    "MIGraphXExecutionProvider": "onnxruntime-migraphx",
    "QNNExecutionProvider": "onnxruntime-qnn",
    "TensorrtExecutionProvider": "onnxruntime-gpu",
}


def resolve_provider(name: str) -> str:
    """Return onnxruntime's name of a provider that the user calls openvino, or by its full name.

    Raises UserError, with those that there are, if this onnxruntime has it not.
    """
    there = onnxruntime.get_available_providers()
    for provider in there:
        if short_name(provider) == short_name(name):
            return str(provider)
    known = {short_name(provider): provider for provider in onnxruntime.get_all_providers()}
    provider = known.get(short_name(name))
    package = PACKAGES.get(str(provider))
    if provider is None:
        remedy = "name one of these"
    elif package:
        remedy = f"install {package} in an environment without the package onnxruntime"
    else:
        remedy = "name one of these, or build onnxruntime with it"
    raise UserError(
        f"execution provider {provider or name!r}: onnxruntime {onnxruntime.__version__} here has "
        f"{', '.join(there)}; {remedy}"
    )


def provider_arguments(
    options: onnxruntime.SessionOptions, provider: str, threads: int
) -> list[Any]:
    """Return the argument `providers` of a session, and set what they need in its options.

    `provider` is onnxruntime's name. Nodes that it does not take run on the CPU, with `threads`
    threads, too. OpenVINO and XNNPACK obey `threads`; for others, as those of GPUs and CoreML, it
    counts on the CPU alone.
    """
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    if provider == CPU:
        return [CPU]
    own = {}
    if provider == OPENVINO:
        own = {"num_of_threads": str(threads), "num_streams": "1"}
    elif provider == XNNPACK:
        # It has threads of its own, beside which those of onnxruntime shall not spin. See
        # https://onnxruntime.ai/docs/execution-providers/Xnnpack-ExecutionProvider.html
        own = {"intra_op_num_threads": str(threads)}
        options.intra_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return [(provider, own), CPU]


def check_loaded(session: onnxruntime.InferenceSession, provider: str) -> None:
    """Raise UserError if onnxruntime has left a provider out of a session."""
    if provider not in session.get_providers():
        raise UserError(
            f"{provider}: onnxruntime could not load it and would use "
            f"{', '.join(session.get_providers())}; install what it needs, which onnxruntime's "
            "warning names"
        )


def nodes_by_provider(
    model: str | bytes, inputs: Mapping[str, np.ndarray], provider: str = CPU, threads: int = 1
) -> dict[str, int]:
    """Run a model once, and return how many nodes each provider ran, by its name in order.

    `model` is a path or the bytes of a file, `inputs` are one batch. These are nodes of the graph
    that onnxruntime makes of the model; a provider may run many as one, as OpenVINO does. Raises
    UserError where the provider was not loaded; see `check_nodes` for one that ran nothing.
    """
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # it warns of nodes that fall back
    providers = provider_arguments(options, provider, threads)
    with tempfile.TemporaryDirectory() as scratch:
        options.enable_profiling = True
        options.profile_file_prefix = os.path.join(scratch, "profile")
        session = onnxruntime.InferenceSession(model, options, providers=providers)
        try:
            check_loaded(session, provider)
            session.run(None, inputs)
        finally:
            profile = session.end_profiling()  # else it writes when the folder is gone
        events = json.loads(Path(profile).read_text(encoding="utf-8"))
    # A node in a loop has several events, and in old releases some without a provider.
    ran = {
        (event["args"]["provider"], event["args"].get("node_index"), event["name"])
        for event in events
        if event.get("cat") == "Node" and event["args"].get("provider")
    }
    counts: dict[str, int] = {}
    for name, *_ in sorted(ran, key=str):
        counts[name] = counts.get(name, 0) + 1
    return counts


def check_nodes(counts: Mapping[str, int], provider: str) -> None:
    """Raise UserError if a provider ran none of the nodes that `nodes_by_provider` has counted."""
    if provider not in counts and counts:
        raise UserError(
            f"{provider} ran no node of the model; {ran_elsewhere(counts, provider)}: choose "
            "another provider, or another format of the model"
        )
