"""Data sets of files through Snakemake: what runs again, and what is said before anything runs."""

import io
import json

import numpy as np
import pytest
from helpers import CLASSES, make_images, overlay, run_snakemake
from helpers.picture_files import write_parquet, write_tar
from PIL import Image

TARGET = "results/dataset/dataset.json"


def run(folder, *targets, options=(), model=None, **dataset):
    config = {"dataset": {"name": "image_folder", "path": str(folder / "data"), **dataset}}
    config["latency"] = {"measure": False}
    if model:
        config |= {"model": {"source": str(model)}, "acceptance": {"min_size_reduction": None}}
    file = overlay(folder / "own.yaml", config)
    return run_snakemake(folder, *targets, configfiles=(file,), options=options)


def write(folder, count, seed, names=CLASSES):
    images, labels = make_images(count, seed)
    for number, (image, label) in enumerate(zip(images, labels, strict=True)):
        path = folder / names[label] / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(path)


def test_one_labelled_folder_through_the_workflow(tiny, tmp_path):
    """Folders in another spelling than the names of the classes, which are not sorted."""
    write(tmp_path / "data", 120, 1, names=("Red", "GREEN", "blue"))
    (tmp_path / "classes.txt").write_text("\n".join(CLASSES))
    classes = str(tmp_path / "classes.txt")
    options = {"hold_out": 0.25, "classes": classes, "model": tiny / "model.onnx"}
    result = run(tmp_path, "results/fp32_eval.json", **options)
    assert result.returncode == 0, result.stdout
    dataset = json.loads((tmp_path / TARGET).read_text())
    assert dataset["class_names"] == list(CLASSES)
    assert {name: split["images"] for name, split in dataset["splits"].items()} == {
        "train": 90,
        "test": 30,
    }
    labels = np.load(tmp_path / "results/dataset/test_labels.npy")
    assert np.bincount(labels).tolist() == [10, 10, 10]
    rows = (tmp_path / "results/dataset/split.csv").read_text().splitlines()
    assert len(rows) == 121 and sum(row.endswith(",0,test") for row in rows) == 10
    evaluation = json.loads((tmp_path / "results/fp32_eval.json").read_text())
    assert evaluation["accuracy"]["correct"] >= 24  # 10 by chance
    # Another seed draws other images; a changed file of names is read again.
    again = run(tmp_path, TARGET, options=("--dry-run",), **options)
    assert "rule prepare_dataset" not in again.stdout
    (tmp_path / "classes.txt").write_text("\n".join(CLASSES) + "\n")
    again = run(tmp_path, TARGET, options=("--dry-run",), **options)
    assert "rule prepare_dataset" in again.stdout and "Updated input files" in again.stdout


def test_images_without_labels_calibrate(tiny, tmp_path):
    write(tmp_path / "data/test", 60, 1)
    write(tmp_path / "unlabelled", 30, 2)
    (tmp_path / "classes.txt").write_text("\n".join(CLASSES))
    options = {
        "calibration": str(tmp_path / "unlabelled"),
        "classes": str(tmp_path / "classes.txt"),
        "model": tiny / "model.onnx",
    }
    samples = "results/calibration/samples.csv"
    result = run(tmp_path, samples, "results/predictions/fp32.npz", **options)
    assert result.returncode == 0, result.stdout
    lines = (tmp_path / samples).read_text().splitlines()
    assert len(lines) > 1 and all(line.endswith(",-1") for line in lines[1:])
    for target in ("sweep", "recommend", "sensitivity"):
        result = run(tmp_path, target, **options)
        assert result.returncode != 0 and "rule " not in result.stdout
        assert (
            "error: config: dataset.calibration: recipes are chosen on images with labels, which "
            "these have not; for sweep, sensitivity and recommend set dataset.validation to labell"
        ) in result.stdout


@pytest.mark.parametrize(
    ("dataset", "message"),
    [
        ({}, "prepare_dataset: {}/data: no folder train; found: blue, green, red; these look like"),
        ({"classes": "none.txt"}, "config: dataset.classes: none.txt: no such file; correct the"),
        ({"labels": "none.csv"}, "config: dataset.labels: none.csv: no such file; correct the"),
        ({"calibration": "none"}, "config: dataset.calibration: none: no such folder; correct the"),
        (
            {"hold_out": 0.2, "calibration": "data"},
            "config: dataset.calibration: is of no use with",
        ),
    ],
)
def test_one_line_says_what_is_wrong(tmp_path, dataset, message):
    write(tmp_path / "data", 6, 1)
    result = run(tmp_path, TARGET, **dataset)
    assert result.returncode != 0 and "Traceback" not in result.stdout
    assert f"error: {message.format(tmp_path)}" in result.stdout
    assert not (tmp_path / TARGET).exists()


def encoded(count, seed):
    """Return PNG files and their labels."""
    contents = []
    images, labels = make_images(count, seed)
    for image in images:
        buffer = io.BytesIO()
        Image.fromarray(image).save(buffer, "PNG")
        contents.append(buffer.getvalue())
    return contents, labels.tolist()


@pytest.mark.parametrize("name", ["tar", "parquet"])
@pytest.mark.parametrize("store", ["decoded", "files"])
def test_shards_give_what_an_array_gives(tiny, tiny_run, tmp_path, name, store):
    """The scores are those of the same images in a NumPy archive."""
    if name == "parquet":
        pytest.importorskip("pyarrow", reason="needs pyarrow (group parquet of pyproject.toml)")
    for split, count, seed in (("train", 90, 1), ("test", 151, 2)):
        contents, labels = encoded(count, seed)
        path = tmp_path / f"data/{split}-0.{name}"
        if name == "parquet":
            write_parquet(path, contents, labels, list(CLASSES), group=40)
        else:
            keyed = list(enumerate(zip(contents, labels, strict=True)))
            members = {f"{key:03}.png": content for key, (content, _) in keyed}
            members |= {f"{key:03}.cls": str(label).encode() for key, (_, label) in keyed}
            write_tar(path, members)
    (tmp_path / "classes.txt").write_text("\n".join(CLASSES))
    target = "results/predictions/fp32.npz"
    options = {"classes": str(tmp_path / "classes.txt"), "model": tiny / "model.onnx"}
    result = run(tmp_path, target, name=name, store=store, **options)
    assert result.returncode == 0, result.stdout
    with np.load(tmp_path / target) as mine, np.load(tiny_run / target) as other:
        assert np.array_equal(mine["scores"], other["scores"])
        assert np.array_equal(mine["labels"], other["labels"])


def test_files_with_odd_names_are_read(tmp_path):
    write(tmp_path / "data", 60, 1)
    name = tmp_path / "{classes} <1>.txt"
    name.write_text("\n".join(CLASSES))
    result = run(tmp_path, TARGET, hold_out=0.5, classes=str(name))
    assert result.returncode == 0, result.stdout
    assert json.loads((tmp_path / TARGET).read_text())["class_names"] == list(CLASSES)
