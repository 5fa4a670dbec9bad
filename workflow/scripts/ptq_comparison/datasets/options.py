"""What the configuration says about a data set of files; Snakemake passes it as a parameter."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Options:
    """The keys of section `dataset` that say which image is in which split and of which class.

    `seed` is `calibration.seed`, and `geometry` says how an image file becomes pixels.
    """

    splits: Mapping[str, str] | None = None
    hold_out: float | None = None
    calibration: str | None = None
    labels: str | Mapping[str, str] | None = None
    classes: str | None = None
    class_order: str | None = None
    validation: str | None = None
    seed: int = 0
    geometry: Mapping[str, Any] | None = None

    def label_files(self) -> dict[str, Path]:
        """Return the files of labels by split; a file for both has the key `all`."""
        if self.labels is None:
            return {}
        files = {"all": self.labels} if isinstance(self.labels, str) else self.labels
        return {split: Path(file) for split, file in files.items()}


DEFAULTS = Options()
