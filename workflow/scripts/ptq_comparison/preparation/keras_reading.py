"""Load a Keras model with the Keras that can read it, 3 or 2, without running code in it.

TensorFlow is large and takes seconds to import: it is imported only where needed.
"""

import re
import tempfile
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

from ptq_comparison.common.errors import LETTERS, UserError
from ptq_comparison.common.texts import cut_middle
from ptq_comparison.model.file_kind import check_kind
from ptq_comparison.preparation.keras_config import check_code, leave_out_training
from ptq_comparison.preparation.keras_file import KerasFile, read_keras_file, write_plain

UNKNOWN = re.compile(r"Unknown (\w+): '?(?:\w+>)?(\w+)|[Cc]ould not locate (\w+) '(?:\w+>)?(\w+)'")
CAUSE = re.compile(r"Exception encountered: (.+)")


def load_keras(path: Path) -> tuple[Any, dict[str, str]]:
    """Read a Keras model, and return it with the version of its reader, by name.

    Files of Keras 2 are read by tf_keras: some of them Keras 3 cannot read, and in others it
    takes an activation for another one (hard_sigmoid). Raises UserError when TensorFlow is not
    installed, or the file is no such model.
    """
    check_kind(path, keras=True)
    try:
        stored = read_keras_file(path)
        reader = "tf_keras" if stored.is_legacy else "keras"
        check_code(stored.config, str(path))
        import tensorflow  # noqa: F401  # which the readers import too late for this message
        import tf2onnx  # noqa: F401

        keras = import_module(reader)
    except ImportError as error:
        raise UserError(
            f"model.source: {path.name} is a Keras model, and {error.name} is not installed; run "
            "make convert, or give --software-deployment-method conda, or an ONNX file"
        ) from error
    leave_out_training(stored.config)
    try:
        with tempfile.TemporaryDirectory() as folder:
            plain = write_plain(stored, Path(folder))
            custom = _functions_of_keras_2() if stored.is_legacy else None
            model = keras.models.load_model(
                plain, compile=False, safe_mode=True, custom_objects=custom
            )
    except MemoryError:
        raise
    except Exception as error:  # h5py, zipfile and keras raise whatever they like
        raise UserError(f"{path}: {_cause(error, stored, reader)}") from error
    return model, {reader: version(reader)}


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
        kind, name = (group for group in unknown.groups() if group)
        cause = f"{kind} {name} is not a part of Keras"
    else:
        inner = CAUSE.search(text)
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        cause = inner[1] if inner else " ".join(lines[: 2 if text and lines[0][-1] == ":" else 1])
        if not isinstance(error, ValueError) or not cause:
            cause = f"{type(error).__name__}: {cause}"
    written = f"Keras {stored.version}" if stored.version else "an unknown Keras"
    return (
        f"{reader} {version(reader)} cannot read this file of {written} "
        f"({cut_middle(cause, LETTERS)}); convert it with tf2onnx where it loads, and give the ONNX "
        "file (docs/how-to.md)"
    )
