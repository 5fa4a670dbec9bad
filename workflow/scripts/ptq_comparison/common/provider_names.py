"""Names of execution providers, where onnxruntime need not be imported."""

from __future__ import annotations

CPU = "CPUExecutionProvider"
ENDING = "executionprovider"


def short_name(provider: str) -> str:
    """Return how a provider is called for short: openvino, also for OpenVINOExecutionProvider."""
    name = provider.strip().lower()
    return name[: -len(ENDING)] if name.endswith(ENDING) else name
