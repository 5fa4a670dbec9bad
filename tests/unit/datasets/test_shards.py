"""Which files are of which split."""

import pytest
from ptq_comparison.common.errors import UserError
from ptq_comparison.datasets.options import Options
from ptq_comparison.datasets.shards import find_shards


def find(folder, *names, **options):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    found = find_shards(folder, ".tar", Options(**options))
    return {split: [str(f.relative_to(folder)) for f in files] for split, files in found.items()}


@pytest.mark.parametrize(
    ("train", "test"),
    [
        (["train-00000-of-00002.tar", "train-00001-of-00002.tar"], ["test-00000-of-00001.tar"]),
        (["data/train-0.tar"], ["data/validation-0.tar"]),
        (["plain/train/0000.tar", "plain/train/0001.tar"], ["plain/test/0000.tar"]),
        (["train/a.tar"], ["valid/a.tar"]),
        (["train1.tar", "train_2.tar"], ["val.tar"]),
    ],
)
def test_usual_names(tmp_path, train, test):
    others = ["training.tar", "extra-train.tar", ".train.tar", "data/train.txt"]
    assert find(tmp_path, *train, *test, *others) == {"train": train, "test": test}


def test_other_names(tmp_path):
    found = find(tmp_path, "fit-0.tar", "held/0.tar", splits={"train": "fit", "test": "held"})
    assert found == {"train": ["fit-0.tar"], "test": ["held/0.tar"]}


def test_all_files_for_a_hold_out(tmp_path):
    assert find(tmp_path, "b.tar", "train-0.tar", hold_out=0.2) == {"all": ["b.tar", "train-0.tar"]}
    one = find_shards(tmp_path / "b.tar", ".tar", Options(hold_out=0.2))
    assert one == {"all": [tmp_path / "b.tar"]}
    with pytest.raises(UserError, match=r"dataset.hold_out: .* has two splits already; set it to"):
        find(tmp_path, "val-0.tar", hold_out=0.2)


def test_what_is_missing(tmp_path):
    with pytest.raises(
        UserError, match=r"has no files \*.tar; found: a.tar.gz; correct dataset.pa"
    ):
        find(tmp_path, "a.tar.gz")
    with pytest.raises(UserError, match=r"no files test or val .*\*.tar; found: train.tar; set"):
        find(tmp_path, "train.tar")


def test_configurations_side_by_side_are_not_mixed(tmp_path):
    names = [
        f"{folder}/{split}-0.tar" for folder in ("coarse", "fine") for split in ("train", "test")
    ]
    with pytest.raises(
        UserError, match=r"has data sets in .*coarse, .*fine; set dataset.path to one"
    ):
        find(tmp_path, *names)
