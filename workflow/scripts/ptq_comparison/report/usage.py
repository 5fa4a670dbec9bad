"""Python that uses a model with onnxruntime alone, as the workflow itself runs it."""

import json
import pprint
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

MOST_CLASSES, MOST_LETTERS = 20, 500  # whose names stand in the code itself
FILE_OF_CLASSES = "results/dataset/dataset.json"
# Images that came as arrays have had the size of the input already.
AS_STORED = {"crop": None, "pad": None, "interpolation": "bilinear", "centre": "round"}


class ModelInput(NamedTuple):
    """What a model takes, and what its scores are.

    `image` are height, width and channels, `layout` is NHWC or NCHW, `batch` the number of images
    in one call, None for any. `dtype` is float32, or uint8 for a model that scales pixels itself.
    One score an image is the probability of the second of two classes, or its logit.
    """

    image: Sequence[int]
    layout: str
    batch: int | None
    dtype: str
    is_probability: bool


def usage_code(
    model_path: str,
    model_input: ModelInput,
    preprocessing: Mapping[str, Any],
    geometry: Mapping[str, Any] | None,
    class_names: Sequence[str],
) -> str:
    """Return a Python program that prints the class of `image.png`, with a function for others.

    `preprocessing` and `geometry` are those of an evaluation, `geometry` is None for images that
    came as arrays. The program needs numpy, onnxruntime and Pillow, and predicts what the workflow
    does. Many classes are read from dataset.json. Images of other than 1 or 3 channels are arrays.
    """
    is_short = len(class_names) <= MOST_CLASSES and sum(map(len, class_names)) <= MOST_LETTERS
    is_picture = model_input.image[2] in (1, 3)
    imports = [
        *([] if is_short else ["import json", ""]),
        "import numpy as np",
        "import onnxruntime",
        *(["from PIL import Image, ImageOps"] if is_picture else []),
    ]
    if is_short:
        classes = pprint.pformat(list(class_names), width=85, compact=True)
    else:
        classes = f'json.load(open("{FILE_OF_CLASSES}", encoding="utf-8"))["class_names"]'
    indented = classes.replace("\n", "\n" + 10 * " ")  # below the first name
    body = [
        *(_picture(model_input.image, geometry or AS_STORED) if is_picture else []),
        *_values(
            "np.asarray(image)" if is_picture else "np.load(path)", preprocessing, model_input
        ),
        "outputs = session.run(None, {session.get_inputs()[0].name: batch})",
        "scores = outputs[0].reshape(len(batch), -1)[0]",
    ]
    best = "scores.argmax()"
    if len(class_names) == 2:  # one score may stand for both
        limit = 0.5 if model_input.is_probability else 0
        best += f" if len(scores) == 2 else int(scores[0] > {limit})"
    body.append(f"return CLASSES[{best}]")
    lines = [
        *imports,
        "",
        f"CLASSES = {indented}",
        f"MODEL = {json.dumps(model_path)}",
        'session = onnxruntime.InferenceSession(MODEL, providers=["CPUExecutionProvider"])',
        "",
        "",
        "def predict(path):",
        *(f"    {line}" for line in body),
        "",
        "",
        f'print(predict("image.{"png" if is_picture else "npy"}"))',
    ]
    return "\n".join(lines) + "\n"


def _picture(image: Sequence[int], geometry: Mapping[str, Any]) -> list[str]:
    """Return the lines that read a picture as the workflow does, before it is pixels."""
    height, width, channels = image
    resize, crop, pad = geometry.get("resize", [height, width]), geometry["crop"], geometry["pad"]
    method = f"Image.Resampling.{geometry['interpolation'].upper()}"
    mode = "RGB" if channels == 3 else "L"
    lines = [f'image = ImageOps.exif_transpose(Image.open(path)).convert("{mode}")']
    if isinstance(resize, int):  # the shorter side
        lines += [
            f"short, long = {resize}, int({resize} * max(image.size) / min(image.size))",
            "size = (short, long) if image.width <= image.height else (long, short)",
            f"image = image.resize(size, {method})",
        ]
    elif resize is not None and pad is None:
        lines.append(f"image = image.resize(({resize[1]}, {resize[0]}), {method})")
    elif resize is not None:
        color = pad if channels == 1 else (pad,) * 3
        lines.append(f"image = ImageOps.pad(image, ({resize[1]}, {resize[0]}), {method}, {color})")
    if crop is not None:
        size = (crop, crop) if isinstance(crop, int) else tuple(crop)
        names = (("top", "height", size[0]), ("left", "width", size[1]))
        lines += [
            *(f"{name} = {_start(f'image.{of}', n, geometry['centre'])}" for name, of, n in names),
            f"image = image.crop((left, top, left + {size[1]}, top + {size[0]}))",
        ]
    return lines


def _start(whole: str, part: int, centre: str) -> str:
    """Return where the centre of a side begins; half a pixel is rounded as `Geometry` has it."""
    if centre == "floor":
        return f"({whole} - {part}) // 2"
    # Beyond a smaller image, to 0.
    return f"(round if {whole} >= {part} else int)(({whole} - {part}) / 2)"


def _values(source: str, preprocessing: Mapping[str, Any], model_input: ModelInput) -> list[str]:
    """Return the lines from pixels, uint8 (H, W, C), to the input of the model.

    They compute what `Preprocessing` computes. A picture of one channel has no axis for it.
    """
    pixels = source
    if model_input.image[2] == 1:
        pixels += "[..., np.newaxis]"
    if preprocessing["channels"] == "BGR":
        pixels += "[..., ::-1]"
    if model_input.dtype != "uint8":
        pixels += f".astype(np.float32){_scaled(preprocessing['scale'])}"
    lines = [f"pixels = {pixels}"]
    if model_input.dtype != "uint8":
        for sign, key, nothing in (("-", "mean", 0), ("/", "std", 1)):
            value = preprocessing[key]
            if value != nothing:
                lines.append(f"pixels = pixels {sign} np.array({value!r}, np.float32)")
    axes = ".transpose(2, 0, 1)" if model_input.layout == "NCHW" else ""
    one = f"pixels{axes}[np.newaxis]"
    size = model_input.batch or 1
    lines.append(f"batch = {one if size == 1 else f'np.repeat({one}, {size}, axis=0)'}")
    return lines


def _scaled(scale: float) -> str:
    if scale == 1:
        return ""
    if (2 / scale).is_integer():  # as libraries compute it, to the last bit
        return f" / np.float32({1 / scale!r})"
    return f" * np.float32({scale!r})"
