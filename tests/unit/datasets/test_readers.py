"""The table of data sets."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from helpers import REPOSITORY
from ptq_comparison.common.errors import UserError
from ptq_comparison.datasets.readers import (
    GEOMETRY_KEYS,
    KINDS,
    SPLIT_KEYS,
    kind_conflicts,
    read_dataset,
)


def test_unknown_data_set_names_the_allowed_ones():
    with pytest.raises(UserError, match=r"'mnist'.*allowed: shapes, .* cifar10, image_folder, npz"):
        read_dataset("mnist", Path("somewhere"))


def test_snakemake_can_look_at_the_kinds_without_numpy_or_pillow():
    """With conda they may be in the environments of the rules alone."""
    program = (
        "import sys; from ptq_comparison.datasets.readers import KINDS; "
        "print({'numpy', 'PIL', 'pandas'} & set(sys.modules), *KINDS)"
    )
    output = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": str(REPOSITORY / "workflow/scripts")},
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    assert output.split() == ["set()", *KINDS]


@pytest.mark.parametrize("name", ["shapes", "cifar10", "npz"])
def test_arrays_have_splits_and_classes_of_their_own(name):
    nothing = {**dict.fromkeys(SPLIT_KEYS), **{k: v[0] for k, v in GEOMETRY_KEYS.items()}}
    assert list(kind_conflicts({"name": name, **nothing})) == []
    keys = {"hold_out": 0.2, "classes": "names.txt"}
    assert list(kind_conflicts({"name": name, **nothing, **keys})) == [
        f"dataset.{key}: {name} has splits and classes of its own; leave it out, or use a data set "
        "of files: image_folder, parquet, tar"
        for key in keys
    ]
    assert list(kind_conflicts({"name": "tar", **nothing, **keys})) == []
