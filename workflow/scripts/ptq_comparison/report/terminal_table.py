"""The comparison as plain columns for a terminal; without pandas, which takes long to load."""

from collections.abc import Sequence

from ptq_comparison.common.texts import cut_middle
from ptq_comparison.report.cells import MARK, Row, difference, formatted, speed, was_disturbed

WIDTH = 79  # of a terminal of 80 columns: a full last one wraps on some
GAP = "  "
LEAST_NAME = 12  # letters of a model to keep, before a column is left out
DISTURBED = f"{MARK} disturbed: interval beyond 10 % to either side; see results/comparison.md"
# What tables beyond the width lose first; comparison.md has it.
LESS = ("agreement", "size")


def terminal_table(rows: Sequence[Row], width: int = WIDTH) -> str:
    """Return a line for each model below two lines of headings, none longer than `width`.

    `rows` are those of comparison.csv, with numbers or texts as values. A column without any value
    is left out, as is *agreement*, then *size*, where names and numbers are long; names are cut
    last. A line below tells what a mark means, if there is one.
    """
    columns = {
        "model": ("", "model", [str(row["model"]) for row in rows]),
        "top1": ("", "top-1", [formatted(row, "top1", ".2%") for row in rows]),
        "difference": ("difference", "(95 % interval)", [difference(row) for row in rows]),
        "agreement": ("", "agreement", [formatted(row, "agreement", ".2%") for row in rows]),
        "size": ("", "size", [formatted(row, "size_ratio", ".0%") for row in rows]),
        "speed": ("speed", "(95 % interval)", [speed(row) for row in rows]),
    }
    shown = {key: [*column[:2], *column[2]] for key, column in columns.items() if any(column[2])}
    for key in LESS:
        if _room(shown, width) < min(LEAST_NAME, max(map(len, shown["model"]))):
            shown.pop(key, None)
    room = max(_room(shown, width), 1)
    shown["model"] = [cut_middle(cell, room) for cell in shown["model"]]
    widths = {key: max(map(len, cells)) for key, cells in shown.items()}
    left = ("model", "speed")  # a mark at the end of a speed would shift its number
    lines = [
        GAP.join(
            cell.ljust(widths[key]) if key in left else cell.rjust(widths[key])
            for key, cell in zip(shown, cells, strict=True)
        ).rstrip()
        for cells in zip(*shown.values(), strict=True)
    ]
    if any(was_disturbed(row) for row in rows):
        lines.append(DISTURBED)
    return "\n".join(lines)


def _room(shown: dict[str, list[str]], width: int) -> int:
    """Return how many letters the other columns leave for the names of models."""
    others = [cells for key, cells in shown.items() if key != "model"]
    return width - sum(max(map(len, cells)) + len(GAP) for cells in others)
