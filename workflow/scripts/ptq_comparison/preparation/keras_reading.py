"""Load a Keras model with the Keras that can read it, 3 or 2, without running code in it.

TensorFlow is large and takes seconds to import: it is imported only where needed.
"""

import logging
import re
import tempfile
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

from ptq_comparison.common.errors import LETTERS, UserError
from ptq_comparison.common.texts import cut_middle
from ptq_comparison.model.file_kind import check_kind
from ptq_comparison.preparation.keras_config import (
    check_code,
    has_other_meaning,
    leave_out_training,
)
from ptq_comparison.preparation.keras_file import KerasFile, read_keras_file, write_plain

UNKNOWN = re.compile(  # of all readers: a class that is not one of Keras
    r"Unknown (\w+): '?(?:\w+>)?(\w+)|[Cc]ould not locate (\w+) '(?:\w+>)?(\w+)'|"
    r"not deserialize '[\w.]*?(\w+)' because it is not"
)
CAUSE = re.compile(r"Exception encountered: (.+)")


def load_keras(path: Path) -> tuple[Any, dict[str, str]]:
    """Read a Keras model, and return it with the version of its reader, by name.

    A file of Keras 2 that Keras 3 cannot read, or would read otherwise, is read by tf_keras. Raises
    UserError when TensorFlow or tf_keras is not installed, or the file is no such model.
    """
    check_kind(path, keras=True)
    reason = "is a Keras model"
    try:
        stored = read_keras_file(path)
        leave_out_training(stored.config)
        check_code(stored.config, str(path))
        import tensorflow  # noqa: F401  # which the readers import too late for this message
        import tf2onnx  # noqa: F401

        if not (stored.is_legacy and has_other_meaning(stored.config)):
            try:
                return _load(stored, "keras"), {"keras": version("keras")}
            except UserError as error:
                if not stored.is_legacy:
                    raise
                reason = f"is one of Keras {stored.version} that Keras 3 cannot read"
                logging.info("%s; tf_keras is tried next", error)
        return _load(stored, "tf_keras"), {"tf_keras": version("tf_keras")}
    except ImportError as error:
        raise UserError(
            f"model.source: {path.name} {reason}, and {error.name} is not installed; run "
            "make convert, or give --software-deployment-method conda, or an ONNX file"
        ) from error


def _load(stored: KerasFile, reader: str) -> Any:
    keras = import_module(reader)
    custom = _functions_of_keras_2() if reader == "tf_keras" else None
    try:
        with tempfile.TemporaryDirectory() as folder:
            return keras.models.load_model(
                write_plain(stored, Path(folder)),
                compile=False,
                safe_mode=True,
                custom_objects=custom,
            )
    except Exception as error:  # h5py, zipfile and keras raise whatever they like
        raise UserError(f"{stored.path}: {_cause(error, stored, reader)}") from error


def _functions_of_keras_2() -> dict[str, Any]:
    """Return what old networks name and Keras 2 does not have: each is only one formula."""
    import tensorflow as tf
    import tf_keras

    class FixedDropout(tf_keras.layers.Dropout):  # type: ignore[misc]  # of the package efficientnet
        pass

    def hard_swish(x: Any) -> Any:
        return x * tf.nn.relu6(x + 3) / 6

    swish = tf.nn.silu
    return {
        "relu6": tf.nn.relu6,
        "swish": swish,
        "swish_activation": swish,
        "hard_swish": hard_swish,
        "h_swish": hard_swish,
        "mish": lambda x: x * tf.tanh(tf.nn.softplus(x)),
        "FixedDropout": FixedDropout,
    }


def _cause(error: Exception, stored: KerasFile, reader: str) -> str:
    """Return why a file cannot be read, and what helps."""
    text = str(error).strip()
    unknown = UNKNOWN.search(text)
    if unknown:
        *kind, name = (group for group in unknown.groups() if group)
        cause = f"{' '.join(kind) or 'class'} {name} is not a part of Keras"
    else:
        inner = CAUSE.search(text)
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        cause = inner[1] if inner else " ".join(lines[: 2 if text and lines[0][-1] == ":" else 1])
        if not isinstance(error, ValueError) or not cause:
            cause = f"{type(error).__name__}: {cause}"
    written = f"Keras {stored.version}" if stored.version else "an unknown Keras"
    return (
        f"{reader} {version(reader)} cannot read this file of {written} "
        f"({cut_middle(cause, LETTERS)}); convert it with tf2onnx where it loads, and give the "
        "ONNX file (docs/how-to.md)"
    )
