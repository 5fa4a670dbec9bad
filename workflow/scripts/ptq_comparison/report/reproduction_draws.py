"""Published differences beside those of several draws of calibration images."""

from collections.abc import Callable, Sequence
from itertools import combinations
from typing import Any

from tabulate import tabulate

from ptq_comparison.report.draw_lines import describe_saturation
from ptq_comparison.stability.results import Compared, Draw, DrawRow
from ptq_comparison.stability.spread import rows_by_model, sampling_error_pp, spread

Rows = dict[str, list[DrawRow]]
Kernels = Callable[[DrawRow], Compared | None]  # what is counted of a row
TINY = 1e-9  # pp: a value of exactly the published one counts, whatever its last digits are


def _here(row: DrawRow) -> Compared | None:
    return row


def _exact(row: DrawRow) -> Compared | None:
    return row["exact"]


def draws_section(draws: Sequence[Draw], published: dict[str, dict[str, Any]]) -> str:
    """Return a section in Markdown; `published` are `baseline.published.models` of the config.

    Each model has its differences to float32 with the kernels of this CPU, and where these saturate
    also with others that do not. Empty where no model has both.
    """
    rows = {name: found for name, found in rows_by_model(draws).items() if name in published}
    if not rows:
        return ""
    kernels: dict[str, Kernels] = {"with the kernels of this CPU": _here}
    if any(row["saturation"]["checked"] for found in rows.values() for row in found):
        kernels = {
            "with the kernels of this CPU, which saturate": _here,
            "with kernels that do not saturate, as with VNNI": _exact,
        }
    float32 = published["fp32"]["top1"]
    losses = {name: 100 * (published[name]["top1"] - float32) for name in rows}
    table = [
        {
            "model": name,
            "published difference": f"{losses[name]:+.2f}",
            **{text: _cell(found, of, losses[name]) for text, of in kernels.items()},
            "test images": f"{sampling_error_pp(found):.2f}",
        }
        for name, found in rows.items()
    ]
    first, last = draws[0], draws[-1]
    gaps = [_describe_gap(pair, rows, published, kernels) for pair in combinations(sorted(rows), 2)]
    notes = [*gaps, *describe_saturation(draws)]
    content = str(tabulate(table, headers="keys", tablefmt="github", disable_numparse=True))
    return (
        f"## Other draws of calibration images\n\nDifferences to float32 in percentage points, of "
        f"{len(draws)} draws of {first['images']:,} training images (seeds {first['seed']} to "
        f"{last['seed']}): mean (standard deviation), range, and how many lose at least as much as "
        "published. Test images: the standard error that the number of test images leaves.\n\n"
        f"{content}\n\n" + "\n".join(f"- {note}" for note in notes) + "\n"
    )


def _cell(rows: Sequence[DrawRow], of: Kernels, published: float) -> str:
    """Return mean, deviation, range and count; nothing where onnxruntime has no such kernels."""
    counted = [of(row) for row in rows]
    values = [each["delta_pp"] for each in counted if each]
    if len(values) < len(rows):
        return ""
    mean, sd, low, high = spread(values)
    count = sum(value <= published + TINY for value in values)
    return f"{mean:+.2f} ({sd:.2f}), {low:+.2f} to {high:+.2f}, {count} of {len(values)}"


def _describe_gap(
    pair: tuple[str, str], rows: Rows, published: dict[str, Any], kernels: dict[str, Kernels]
) -> str:
    """Say in how many draws the worse of two models is as far behind as published."""
    worse, better = sorted(pair, key=lambda name: published[name]["top1"])
    gap = 100 * (published[worse]["top1"] - published[better]["top1"])
    counts = []
    for text, of in kernels.items():
        pairs = [(of(a), of(b)) for a, b in zip(rows[worse], rows[better], strict=True)]
        gaps = [a["delta_pp"] - b["delta_pp"] for a, b in pairs if a and b]
        as_far = sum(own <= gap + TINY for own in gaps)
        counts.append(f"{as_far} of {len(gaps)} draws {text}")
    return (
        f"Published, {worse} gets {gap:+.2f} pp against {better}; it is at least as far behind in "
        f"{', and in '.join(counts)}."
    )
