"""An onnxruntime with an execution provider: the one of this process, or of another environment."""

import json
import subprocess
import sys
from collections.abc import Sequence
from typing import TypedDict

import onnxruntime

from ptq_comparison.common.errors import UserError
from ptq_comparison.common.provider_names import short_name
from ptq_comparison.inference.providers import resolve_provider

ASK = (
    "import json, onnxruntime as o; print(json.dumps([o.__version__, o.get_available_providers()]))"
)


class Found(TypedDict):
    """The interpreter whose onnxruntime has a provider, and onnxruntime's name of that."""

    provider: str
    onnxruntime: str
    python: str


def find_provider(name: str, pythons: Sequence[str]) -> Found:
    """Return the first interpreter whose onnxruntime has a provider: this one, or one of `pythons`.

    Raises UserError with the providers that there are, and how to get this one.
    """
    try:
        provider = resolve_provider(name)
    except UserError as error:
        refusal = str(error)
    else:
        return Found(provider=provider, onnxruntime=onnxruntime.__version__, python=sys.executable)
    others = []
    for python in pythons:
        run = subprocess.run([python, "-c", ASK], capture_output=True, text=True)
        if run.returncode:
            last = (run.stderr.strip().splitlines() or ["it prints nothing"])[-1]
            others.append(f"{python} has no onnxruntime that works ({last})")
            continue
        version, there = json.loads(run.stdout.splitlines()[-1])
        for provider in there:
            if short_name(provider) == short_name(name):
                return Found(provider=provider, onnxruntime=version, python=python)
        others.append(f"that of {python} has {', '.join(there)}")
    own = f".venv-{short_name(name)}"
    remedy = (
        "make openvino sets such an environment up"
        if own == ".venv-openvino"
        else (f"such an environment may be {own} in the working folder")
    )
    told = "; ".join([refusal, *others])
    raise UserError(f"latency.providers: {told}; {remedy}, or take the entry out")
