"""Speed of every model on every device, and the share of its predictions that change there."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from matplotlib.figure import Figure

from ptq_comparison.evaluation.disturbance import is_disturbed
from ptq_comparison.evaluation.results import Speed
from ptq_comparison.report.cells import MARK
from ptq_comparison.report.devices import Brought
from ptq_comparison.report.figures.style import (
    FLOAT_COLOR,
    NAME_LETTERS,
    WIDTH,
    colors,
    left_out,
    set_title,
    shorten,
)

HERE = "this machine"
MOST_DEVICES = 8  # that a figure of a screen's height has room for
MOST_NAMED = 2  # devices in the title
ROW = 0.27  # inches


class Line(NamedTuple):
    """A row of the figure: a device, if it has no model, or a model on it.

    `text` stands in place of a speed that was not measured. `changed` is a share of predictions,
    `images` their number.
    """

    device: str
    model: str = ""
    speed: Speed | None = None
    text: str = ""
    changed: float | None = None
    images: int = 0


def plot_devices(
    devices: Sequence[Brought], here: Mapping[str, Speed], models: Sequence[str]
) -> Figure:
    """Return the figure of the models, of which the first one is float32.

    `here` are the speeds of this machine by model, empty where they were not measured. Other models
    of the devices, as recipes, are left out.
    """
    shown = devices[:MOST_DEVICES]
    lines = [line for device in shown for line in _lines(device, models)]
    first = _of_this_machine(here, models) if any(line.speed for line in lines) else []
    lines = [*first, *lines]
    palette = colors(models)
    figure = Figure((WIDTH, 1.5 + ROW * len(lines)))
    left, right = figure.subplots(1, 2, sharey=True, width_ratios=(1.15, 1))
    for place, line in enumerate(lines):
        _draw_speed(left, place, line, palette, models[0])
        _draw_changes(right, place, line, palette)
    left.axvline(1, color=FLOAT_COLOR, lw=0.8, ls=":", zorder=1)
    left.set(xlabel="speed (times float32)", yticks=range(len(lines)))
    left.set_yticklabels([shorten(line.model or line.device, NAME_LETTERS) for line in lines])
    for label, line in zip(left.get_yticklabels(), lines, strict=True):
        label.set_fontweight("normal" if line.model else "bold")
    left.set_ylim(len(lines) - 0.4, -0.6)
    left.set_xlim(
        0, 1.25 * max((line.speed["speedup_ci95"][1] for line in lines if line.speed), default=1)
    )
    largest = max((100 * (line.changed or 0) for line in lines), default=0)
    right.set_xlim(0, 1.3 * largest or 1)
    right.set_xlabel("predictions that change (%)")
    for axes in (left, right):
        axes.tick_params(axis="y", length=0)
        axes.grid(axis="x")
        axes.locator_params(axis="x", nbins=4)
    known = {row["name"] for device in shown for row in device["models"]}
    notes = left_out(len(devices) - len(shown), "device", "devices")
    notes += left_out(len(known.difference(models)), "other model", "other models")
    if any(_is_disturbed(line) for line in lines):
        notes.append(f"{MARK} disturbed by other load")
    set_title(figure, finding(devices, models), *notes)
    return figure


def finding(devices: Sequence[Brought], models: Sequence[str]) -> str:
    """Return the fastest model of each device, and on how many devices predictions change."""
    fastest = {}
    for device in devices:
        timed = [
            row
            for row in device["models"]
            if row["name"] in models[1:] and row["latency"] and row["latency"]["speedup"]
        ]
        if timed:
            row = max(timed, key=lambda row: float(row["latency"]["speedup"]))
            fastest[device["name"]] = row["name"], row["latency"]["speedup"]
    parts = []
    if len(fastest) > MOST_NAMED:
        speeds = [f"{speed:.2f}" for _, speed in sorted(fastest.values(), key=lambda pair: pair[1])]
        between = " to ".join(dict.fromkeys([speeds[0], speeds[-1]]))
        parts.append(
            f"On {len(fastest)} devices, the fastest model is {between} times as fast as float32"
        )
    elif fastest:
        named = [
            f"{shorten(name)} on {shorten(device)} ({speed:.2f}x float32)"
            for device, (name, speed) in fastest.items()
        ]
        parts.append(f"Fastest: {' and '.join(named)}")
    changing = [
        device["name"]
        for device in devices
        if any(row["changed"] for row in device["models"] if row["name"] in models)
    ]
    if not changing:
        parts.append("predictions are those of this machine")
    elif len(changing) <= MOST_NAMED:
        parts.append(f"predictions change on {' and '.join(map(shorten, changing))}")
    else:
        parts.append(f"predictions change on {len(changing)} of {len(devices)} devices")
    claim = "; ".join(parts)
    return claim[0].upper() + claim[1:]


def _of_this_machine(here: Mapping[str, Speed], models: Sequence[str]) -> list[Line]:
    known = [name for name in models[1:] if name in here]
    return [Line(HERE), *(Line(HERE, name, here[name]) for name in known)] if known else []


def _lines(device: Brought, models: Sequence[str]) -> list[Line]:
    lines = [Line(device["name"], text="emulated, no times" if device["emulated"] else "")]
    rows = {row["name"]: row for row in device["models"]}
    for name in models:
        row = rows.get(name)
        if row is None:
            continue
        speed = row["latency"] if row["latency"] and row["latency"]["speedup"] else None
        text = ""
        if row["failed"] is not None:
            text = "does not run"
        elif speed is None and not device["emulated"]:
            text = "not timed"
        share = None if row["changed"] is None else row["changed"] / device["images"]
        lines.append(Line(device["name"], name, speed, text, share, row["changed"] or 0))
    return lines


def _is_disturbed(line: Line) -> bool:
    return bool(line.speed and is_disturbed(line.speed["speedup"], line.speed["speedup_ci95"]))


def _draw_speed(
    axes: Any, place: int, line: Line, palette: Mapping[str, str], float_model: str
) -> None:
    if line.text:
        style = "italic" if not line.model else "normal"
        axes.text(
            0.03,
            place,
            line.text,
            transform=axes.get_yaxis_transform(),
            va="center",
            fontsize=9,
            style=style,
            color=FLOAT_COLOR,
            bbox={"boxstyle": "square,pad=0.1", "color": "white"},
        )
    if line.speed is None or line.model == float_model:  # which the dotted line is
        return
    color, low_high = palette[line.model], line.speed["speedup_ci95"]
    axes.plot(low_high, [place] * 2, color=color, lw=3, alpha=0.45, solid_capstyle="butt")
    axes.plot(line.speed["speedup"], place, "o", color=color, ms=6)
    mark = f" {MARK}" if _is_disturbed(line) else ""
    _label(
        axes, place, max(low_high[1], line.speed["speedup"]), f"{line.speed['speedup']:.2f}{mark}"
    )


def _draw_changes(axes: Any, place: int, line: Line, palette: Mapping[str, str]) -> None:
    if line.changed is None:
        return
    axes.barh(place, 100 * line.changed, height=0.6, color=palette[line.model])
    _label(axes, place, 100 * line.changed, f"{line.images:,}")


def _label(axes: Any, place: int, end: float, text: str) -> None:
    axes.annotate(
        text,
        (end, place),
        (5, 0),
        textcoords="offset points",
        va="center",
        fontsize=9,
        bbox={"boxstyle": "square,pad=0.1", "color": "white"},  # over the line of float32
    )
