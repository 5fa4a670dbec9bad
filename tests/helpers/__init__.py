"""What tests share; each module makes one kind of thing.

Tests import from here. `helpers.layout`, which needs matplotlib, and `helpers.sweeps` are imported
by name.
"""

from helpers.evaluations import make_evaluations, make_speeds, score_metrics
from helpers.images import CLASSES, MEAN, RAW, STD, make_images
from helpers.models import (
    make_classifier,
    make_from_nodes,
    make_nan_classifier,
    make_network,
    make_outlier_classifier,
    make_pixel_classifier,
)
from helpers.paths import REPOSITORY, SHARED_DATA
from helpers.quantizer import OPTIONS, Quantizer
from helpers.recipe_runs import RECIPE_SETTINGS, RECIPES, recipe_files
from helpers.snakemake_runs import overlay, run_snakemake, snakemake_command

__all__ = [
    "CLASSES",
    "MEAN",
    "OPTIONS",
    "RAW",
    "RECIPES",
    "RECIPE_SETTINGS",
    "REPOSITORY",
    "SHARED_DATA",
    "STD",
    "Quantizer",
    "make_classifier",
    "make_evaluations",
    "make_from_nodes",
    "make_images",
    "make_nan_classifier",
    "make_network",
    "make_outlier_classifier",
    "make_pixel_classifier",
    "make_speeds",
    "overlay",
    "recipe_files",
    "run_snakemake",
    "score_metrics",
    "snakemake_command",
]
