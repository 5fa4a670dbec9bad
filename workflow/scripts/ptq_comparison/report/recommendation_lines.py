"""The recommendation for a terminal."""

import textwrap
from typing import Any

from ptq_comparison.common.texts import cut
from ptq_comparison.evaluation.metrics import SIGNIFICANCE

WIDTH = 79  # letters of a line
LABEL = 7  # letters, with the space behind it
LINES_OF_WORDS = 4
NAME_LETTERS = 24  # of another recipe
SATURATION = "may saturate on x86-64 without VNNI, which costs accuracy there"


def recommendation_lines(content: dict[str, Any]) -> list[str]:
    """Return the recommendation in at most 12 lines of at most 79 letters.

    `content` is that of recommendation.json: name, plain words, file, size, speed and loss,
    and beside it the recipe that agrees with float32 most often, if that is another one.
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
        *(_entry("there", _there(content)) if content.get("device") else []),
        *_entry("speed", speed),
        *_entry(
            "loss",
            f"{test['delta_pp']:+.2f} pp (95 % interval {low:+.2f} to {high:+.2f}), {significant}",
        ),
        *(_entry("agrees", _beside(content)) if content.get("best") else []),
        *(_entry("note", SATURATION) if content["warning"] else []),
        *_entry("use", "results/recommendation.md tells how; results/models/README.md"),
    ]


def _there(content: dict[str, Any]) -> str:
    """Return the speed on the device that the recipe was chosen for."""
    name, values = cut(content["device"]["name"], NAME_LETTERS), content["validation"]
    if values["speedup"] is None:
        return f"not measured on {name}"
    low, high = values["speedup_ci95_low"], values["speedup_ci95_high"]
    slower = "slower: " if high < 1 else ""
    return f"{slower}{values['speedup']:.2f} times float32 on {name} ({low:.2f} to {high:.2f})"


def _beside(content: dict[str, Any]) -> str:
    """Return which recipe agrees most often, and what it gives, beside the recommended one."""
    best, own = content["best"], content["validation"]
    speed = "" if best["speedup"] is None else f", {best['speedup']:.2f} times float32"
    if speed and content.get("device"):
        speed += " there"
    name = cut(best["recipe"], NAME_LETTERS)
    return f"{own['agreement']:.2%}; most often {name}: {best['agreement']:.2%}{speed}"


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
