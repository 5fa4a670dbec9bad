"""All recipes: predictions unlike float32 against speed, or against size without speeds."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from ptq_comparison.config.schemes import DTYPES
from ptq_comparison.report.figures.style import COLORS, WIDTH, set_title
from ptq_comparison.report.sweep import describe_sweep, made_recipes
from ptq_comparison.search.selection import pareto_front

# Activations and weights, and the name of the pair.
TYPE_NAMES = {types: name for name, types in DTYPES.items()}
FORMAT_MARKERS = {"QDQ": "o", "QOperator": "s"}


def plot_sweep(table: pd.DataFrame) -> Figure:
    """Return the figure, from the content of sweep.csv; recipes of the Pareto front have a ring.

    Recipes that could not be made are left out, and where speed was measured, those without one.
    """
    title = describe_sweep(table)[0].rstrip(".")
    table = made_recipes(table)
    timed = bool(table["speedup"].notna().any())
    places = table["speedup"] if timed else table["bytes"] / 1024
    pairs = zip(table["activation_type"], table["weight_type"], strict=True)
    kinds = np.array([TYPE_NAMES.get(pair, "other") for pair in pairs])
    palette = dict(zip([*TYPE_NAMES.values(), "other"], COLORS, strict=False))
    front = table["recipe"].isin(pareto_front(table))
    # On a logarithmic scale, upside down: the best recipes differ by tenths of a percent.
    unlike = 100 * np.maximum(1 - table["agreement"], 0.5 / table["total"])
    figure = Figure((WIDTH, 4.6))
    axes = figure.subplots()
    for kind, color in palette.items():
        for form, shape in FORMAT_MARKERS.items():
            chosen = (kinds == kind) & (table["format"] == form).to_numpy()
            if chosen.any():
                axes.scatter(
                    places[chosen],
                    unlike[chosen],
                    s=40,
                    color=color,
                    marker=shape,
                    alpha=0.75,
                    label=f"{kind}, {form}",
                )
    axes.scatter(
        places[front],
        unlike[front],
        s=130,
        facecolors="none",
        edgecolors="black",
        label="not beaten by any",
    )
    if timed:
        axes.axvline(1, color="#555555", lw=0.8, ls=":")
    axes.set_xlabel("speed, as a multiple of float32" if timed else "size (KiB)")
    axes.set_ylabel("predictions unlike float32 (%)")
    axes.set_yscale("log")
    axes.invert_yaxis()
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.set_xlim(left=0)
    axes.margins(y=0.08)
    axes.grid()
    figure.legend(loc="outside lower center", ncols=3)
    set_title(figure, title)
    return figure
