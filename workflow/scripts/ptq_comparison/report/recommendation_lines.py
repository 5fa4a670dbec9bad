"""The recommendation for a terminal."""

import textwrap
from typing import Any

from ptq_comparison.common.texts import cut
from ptq_comparison.evaluation.metrics import SIGNIFICANCE

WIDTH = 79  # letters of a line
LABEL = 7  # letters, with the space behind it
LINES_OF_WORDS = 5
SATURATION = "may saturate on x86-64 without VNNI, which costs accuracy there"


def recommendation_lines(content: dict[str, Any]) -> list[str]:
    """Return the recommendation in at most 12 lines of at most 79 letters.

    `content` is that of recommendation.json: name, plain words, file, size, speed and loss.
    """
    test, model = content["test"], content["model"]
    low, high = test["delta_ci95_pp"]
    significant = "significant" if test["mcnemar_p"] < SIGNIFICANCE else "not significant"
    speed = "not measured"
    if test["speedup"] is not None:
        slowest, fastest = test["speedup_ci95"]
        slower = "slower: " if fastest < 1 else ""
        speed = (
            f"{slower}{test['speedup']:.2f} times float32 here ({slowest:.2f} to {fastest:.2f}; "
            f"{test['speed_setting']})"
        )
    return [
        cut(f"Recommended: {content['recipe']}", WIDTH),
        *_entry("what", content["words"], LINES_OF_WORDS),
        *_entry("file", model["path"]),
        *_entry("size", f"{model['bytes']:,} bytes, {100 * test['size_ratio']:.0f} % of float32"),
        *_entry("speed", speed),
        *_entry(
            "loss",
            f"{test['delta_pp']:+.2f} pp (95 % interval {low:+.2f} to {high:+.2f}), {significant}",
        ),
        *(_entry("note", SATURATION) if content["warning"] else []),
        *_entry("use", "results/recommendation.md tells how; results/models/README.md"),
    ]


def _entry(label: str, text: str, most: int = 1) -> list[str]:
    return textwrap.wrap(
        text,
        WIDTH,
        initial_indent=f"  {label:<{LABEL}}",
        subsequent_indent=" " * (LABEL + 2),
        max_lines=most,
        placeholder=" …",
        break_on_hyphens=False,
    )
