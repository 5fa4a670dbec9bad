"""The bundled model, which the repository holds as text.

Snakemake fetches the files of a deployed workflow one by one, and only text comes through unharmed.
The text is found beside the scripts, not by a path that a rule hands over: such a path would make
everything run again after the folder has moved.
"""

import base64
import binascii
import hashlib
from pathlib import Path

from ptq_comparison.common.errors import UserError

BUNDLED_FILE = Path(__file__).parents[3] / "resources" / "resnet8_shapes.onnx.base64"
# Of the ONNX file. It changes with the file, and as a part of the code it reruns the rules then.
BUNDLED_SHA256 = "baf311e8f9cc8c4b086759c5c2f4d4fab4d4696c14e0d33ec7a6b35a19f2e3ae"


def decode_bundled(file: Path = BUNDLED_FILE) -> bytes:
    """Return the bytes of the bundled ONNX file.

    Raises UserError where the text is missing or is not that of the bundled model.
    """
    remedy = "get the file again, for example with a new clone, or name a model in model.source"
    try:
        content = base64.b64decode(file.read_bytes())
    except OSError as error:
        raise UserError(f"{file}: cannot be read ({error.strerror}); {remedy}") from error
    except binascii.Error as error:
        raise UserError(f"{file}: is no base64 text ({error}); {remedy}") from error
    found = hashlib.sha256(content).hexdigest()
    if found != BUNDLED_SHA256:
        raise UserError(f"{file}: holds {found} instead of {BUNDLED_SHA256}; {remedy}")
    return content
