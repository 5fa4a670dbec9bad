"""Names of execution providers, and of which ran what, where onnxruntime need not be imported."""

from __future__ import annotations

from collections.abc import Mapping

CPU = "CPUExecutionProvider"
ENDING = "executionprovider"


def short_name(provider: str) -> str:
    """Return how a provider is called for short: openvino, also for OpenVINOExecutionProvider."""
    name = provider.strip().lower()
    return name[: -len(ENDING)] if name.endswith(ENDING) else name


def ran_elsewhere(counts: Mapping[str, int], provider: str) -> str:
    """Return which of the nodes other providers ran, "2 of 31 nodes ran on CPUExecutionProvider".

    `counts` are nodes by the full name of a provider. The text is empty where it ran them all.
    """
    total = sum(counts.values())
    return " and ".join(
        f"{nodes} of {total} nodes ran on {name}"
        for name, nodes in counts.items()
        if name != provider
    )
