"""The model card of the recommended model, as Hugging Face has it: a header in YAML, and Markdown.

https://github.com/huggingface/hub-docs/blob/main/modelcard.md
"""

from collections.abc import Iterator
from typing import Any

import pandas as pd
import yaml

from ptq_comparison.common.texts import plain_markdown
from ptq_comparison.evaluation.evaluate import Evaluation, of_quantized
from ptq_comparison.report.code_sections import code_markdown
from ptq_comparison.report.columns import markdown_table
from ptq_comparison.report.comparison_notes import float_notes

TASK = "image-classification"


def model_card(
    content: dict[str, Any], evaluation: Evaluation, table: pd.DataFrame, check: dict[str, Any]
) -> str:
    """Return the card as Markdown behind a header with `model-index`.

    `content` is that of recommendation.json, `evaluation` that of the recommended model on the test
    images. `table` holds float32 and this model as text, `check` is that of its operators. The
    license is left out: it is that of the float32 model, which nothing here knows.
    """
    header = yaml.safe_dump(_header(content, evaluation), sort_keys=False, allow_unicode=True)
    parts = [
        f"---\n{header}---\n",
        f"# {plain_markdown(content['recipe'])}\n",
        _paragraphs(_about(content, evaluation)),
        f"## Results\n\n{markdown_table(table)}\n",
        _paragraphs(_results(content, evaluation)),
        f"## Intended CPUs\n\n{_paragraphs(_cpus(evaluation))}",
        f"## Calibration\n\n{_paragraphs(_calibration(evaluation))}",
        f"## Checks\n\n{_list(_checks(evaluation, check))}",
        f"## Limits\n\n{_list(_limits(content, evaluation))}",
        code_markdown(content),
        f"## Made with\n\n{_list(_origin(content, evaluation))}",
    ]
    return "\n".join(parts)


def _header(content: dict[str, Any], evaluation: Evaluation) -> dict[str, Any]:
    dataset = evaluation["dataset"]
    return {
        "library_name": "onnx",
        "pipeline_tag": TASK,
        "tags": ["onnx", "onnxruntime", "quantized", "post-training-quantization", "8-bit", TASK],
        "model-index": [
            {
                "name": content["recipe"],
                "results": [
                    {
                        "task": {"type": TASK, "name": "Image Classification"},
                        "dataset": {
                            "name": dataset["name"],
                            "type": dataset["name"],
                            "split": dataset["split"],
                        },
                        "metrics": list(_metrics(evaluation)),
                    }
                ],
            }
        ],
    }


def _metrics(evaluation: Evaluation) -> Iterator[dict[str, Any]]:
    """Yield the metrics of the header, as fractions; only those that the model has."""
    yield _metric("accuracy", evaluation["accuracy"]["top1"], "Top-1 accuracy")
    if evaluation["top5"]:
        yield _metric("accuracy", evaluation["top5"]["top5"], "Top-5 accuracy")
    agreement = of_quantized(evaluation["baseline"])["agreement"]
    yield _metric("agreement", agreement, "Agreement with float32")
    two = evaluation["two_classes"]
    named = (
        (
            ("precision", two["precision"]),
            ("recall", two["recall"]),
            ("f1", two["f1"]),
            ("roc_auc", two["auc"]),
        )
        if two
        else ()
    )
    for kind, value in named:
        if value is not None:
            yield _metric(kind, value, kind)


def _metric(kind: str, value: float, name: str) -> dict[str, Any]:
    return {"type": kind, "value": float(value), "name": name}


def _about(content: dict[str, Any], evaluation: Evaluation) -> Iterator[str]:
    yield content["summary"]
    model = content["model"]
    yield (
        f"An image classifier of {len(evaluation['confusion_matrix']):,} classes, quantized after "
        f"training: {content['words']}."
    )
    yield f"File: {model['path']}, {model['bytes']:,} bytes, opset {model['opset']}, SHA-256 below."


def _results(content: dict[str, Any], evaluation: Evaluation) -> Iterator[str]:
    dataset, test = evaluation["dataset"], content["test"]
    description = f" ({dataset['description']})" if dataset["description"] else ""
    low, high = test["delta_ci95_pp"]
    yield (
        f"On {dataset['images']:,} test images of {dataset['name']}{description}, used once, after "
        f"the choice. Difference to float32: {test['delta_pp']:+.2f} pp, 95 % interval {low:+.2f} "
        f"to {high:+.2f}, p {test['mcnemar_p']:.3g} (exact McNemar test)."
    )
    yield content["reason"]


def _cpus(evaluation: Evaluation) -> Iterator[str]:
    saturation, runtime = of_quantized(evaluation["saturation"]), evaluation["runtime"]
    count = len(saturation["saturating_operators"])
    if count:
        yield (
            f"x86-64 with VNNI, and ARM. On x86-64 without VNNI, {count} of its operators may "
            "saturate in sums of 16 bits, which costs accuracy: measure it there, or take a recipe "
            "with 7-bit weights (reduce_range)."
        )
    else:
        yield (
            "x86-64, with VNNI or without, and ARM: by its weights, no sum of two products goes "
            "beyond 16 bits, so that no kernel saturates."
        )
    if saturation["checked"]:
        yield (
            f"Here, saturation changes {of_quantized(saturation['changed']):.2%} of the "
            f"predictions ({of_quantized(saturation['delta_pp']):+.2f} pp)."
        )
    yield (
        f"Measured on {runtime['cpu']} ({', '.join(runtime['isa'])}) with onnxruntime "
        f"{runtime['onnxruntime']}. Speed on another CPU may differ in either direction."
    )


def _calibration(evaluation: Evaluation) -> Iterator[str]:
    used = of_quantized(evaluation["calibration"])
    yield (
        f"{used['images']:,} images of the training split, at most {used['per_class']} a class, "
        f"drawn with seed {used['seed']}; method {used['method']}."
    )


def _checks(evaluation: Evaluation, check: dict[str, Any]) -> Iterator[str]:
    worst, saturation = check["worst"], of_quantized(evaluation["saturation"])
    yield (
        f"Operators: on {check['images']} images each computes what that of float32 does; the "
        f"worst error is {worst['error_steps']:.4g} steps of the grid, where "
        f"{worst['allowed_steps']:.4g} are allowed."
    )
    yield from float_notes([evaluation])
    if saturation["checked"]:
        yield "Saturation: predicted once more with kernels that do not saturate, see above."
    else:
        yield f"Saturation: not checked; {saturation['cannot'] or saturation['refused']}."
    yield (
        "File: it loads, stores the types, scales and ranges that were asked for, and gives finite "
        "outputs."
    )


def _limits(content: dict[str, Any], evaluation: Evaluation) -> Iterator[str]:
    if content["warning"]:
        yield content["warning"]
    yield "Accuracy holds for images like the test images, speed for the machine that is named."
    yield "It classifies single images with the preprocessing below; it detects nothing."
    yield "License: that of the float32 model, which this card does not know; add it to the header."


def _origin(content: dict[str, Any], evaluation: Evaluation) -> Iterator[str]:
    provenance = of_quantized(evaluation["calibration"])["provenance"]
    versions = ", ".join(f"{name} {value}" for name, value in provenance["versions"].items())
    yield versions
    yield f"SHA-256 of this model: {content['model']['sha256']}"
    yield f"SHA-256 of the float32 model: {provenance['model_sha256']}"
    yield f"SHA-256 of the calibration images: {provenance['samples_sha256']}"
    yield f"SHA-256 of the test split: {evaluation['dataset']['sha256']}"


def _paragraphs(texts: Iterator[str]) -> str:
    return "".join(f"{plain_markdown(text)}\n\n" for text in texts).removesuffix("\n")


def _list(texts: Iterator[str]) -> str:
    return "".join(f"- {plain_markdown(text)}\n" for text in texts)
