"""Recipes that are chosen on validation images of their own, through the workflow."""

import json

import numpy as np
import pandas as pd
import pytest
from helpers import CLASSES, make_images, overlay, run_snakemake
from PIL import Image

TRAINED = "agreement is higher there than on images that it never saw"
OWN = "Validation images are those of dataset.validation"
SETTINGS = {
    "calibration": {"samples": 30},
    "latency": {"measure": False},
    "recommend": {"max_drop_pp": 50, "min_speedup": None},
}


def write(folder, count, seed, labelled=True):
    """Write PNG files in class folders, or in one folder; return their pixels in that order."""
    images, labels = make_images(count, seed)
    paths = [
        folder / (CLASSES[label] if labelled else "") / f"{number:03}.png"
        for number, label in enumerate(labels)
    ]
    for path, image in zip(paths, images, strict=True):
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(path)
    return dict(sorted(zip(paths, images, strict=True)))


def run(folder, tiny, *targets, dataset, options=(), **settings):
    overlay(folder / "recipes.yaml", {"recipes": {"int8": {"dtype": "int8"}}})
    (folder / "classes.txt").write_text("\n".join(CLASSES))
    config = {**SETTINGS, "dataset": dataset, "model": {"source": str(tiny / "model.onnx")}}
    config["sweep"] = {"recipes": str(folder / "recipes.yaml")}
    file = overlay(folder / "own.yaml", {**config, **settings})
    return run_snakemake(folder, *targets, configfiles=(file,), options=options)


def pixels(images):
    return {image.tobytes() for image in images}


def test_a_folder_of_images_beside_calibration_images_without_labels(tiny, tmp_path):
    """Which alone leave no image to choose recipes on."""
    write(tmp_path / "data/test", 60, 2)
    own = write(tmp_path / "never seen", 45, 3)
    write(tmp_path / "calibration", 30, 4, labelled=False)
    dataset = {
        "name": "image_folder",
        "path": str(tmp_path / "data"),
        "calibration": str(tmp_path / "calibration"),
        "classes": str(tmp_path / "classes.txt"),
    }
    refused = run(tmp_path, tiny, "sweep", dataset=dataset)
    assert refused.returncode != 0
    assert "for sweep, sensitivity and recommend set dataset.validation to labelled" in (
        refused.stdout
    )
    dataset["validation"] = str(tmp_path / "never seen")
    result = run(tmp_path, tiny, "recommend", "sensitivity", dataset=dataset)
    assert result.returncode == 0, result.stdout
    results = tmp_path / "results"
    drawn = np.load(results / "sweep/validation.npy")
    assert len(drawn) == 45 and pixels(drawn) == pixels(own.values())
    rows = np.loadtxt(results / "sweep/validation.csv", int, delimiter=",", skiprows=1)
    assert np.bincount(rows[:, 1]).tolist() == [15, 15, 15]
    # Of its class, in the order of the model, not of the folders' names.
    by_pixels = {image.tobytes(): path.parent.name for path, image in own.items()}
    names = [by_pixels[image.tobytes()] for image in drawn]
    assert [CLASSES[label] for label in rows[:, 1]] == names
    assert pd.read_csv(results / "sweep.csv")["total"].tolist() == [45, 45]
    for name in ("sweep.html", "recommendation.md", "recommendation.html", "models/README.md"):
        text = (results / name).read_text()
        assert OWN in text and TRAINED not in text, name
    for name in ("sweep", "sensitivity", "mixed_precision"):
        assert "those of dataset.validation" in (results / f"figures/{name}.svg").read_text()
    content = json.loads((results / "recommendation.json").read_text())
    assert content["validation"]["images"]["named"] == dataset["validation"]
    evaluation = json.loads((results / "sweep/int8_eval.json").read_text())
    assert evaluation["validation_images"]["split"] == "validation"
    shown = " ".join(result.stderr.split())
    assert shown.count(f"{OWN}: if the float32 model was not trained on them") >= 2

    # A new image in the folder is seen.
    Image.new("RGB", (8, 8)).save(tmp_path / "never seen" / "0.png")
    again = run(tmp_path, tiny, "sweep", dataset=dataset, options=("--dry-run",))
    assert "rule prepare_dataset" in again.stdout


def npz(tiny, folder, **arrays):
    with np.load(tiny / "data.npz") as stored:
        np.savez(folder / "data.npz", **{**stored, **arrays})
    return {"name": "npz", "path": str(folder / "data.npz")}


def test_arrays_of_an_npz_archive(tiny, tmp_path):
    images, labels = make_images(40, seed=9)
    dataset = npz(tiny, tmp_path, val_images=images, val_labels=labels)
    result = run(tmp_path, tiny, "sweep", dataset=dataset)
    assert result.returncode == 0, result.stdout
    results = tmp_path / "results"
    assert not (results / "dataset/validation_images.npy").exists()
    assert TRAINED in (results / "sweep.html").read_text()
    assert "of the training split" in (results / "figures/sweep.svg").read_text()
    first = np.load(results / "sweep/validation.npy")
    calibration = np.load(results / "calibration/samples.npy")
    # What a sweep makes of images of their own is seen above.
    targets = ("results/sweep/validation.npy", "results/calibration/samples.npy")
    result = run(tmp_path, tiny, *targets, dataset={**dataset, "validation": "val"})
    assert result.returncode == 0, result.stdout
    drawn = np.load(results / "sweep/validation.npy")
    assert pixels(drawn) == pixels(images) and not pixels(drawn) & pixels(first)
    assert np.array_equal(np.load(results / "calibration/samples.npy"), calibration)
    described = json.loads((results / "dataset/dataset.json").read_text())
    assert described["splits"]["validation"]["images"] == 40


@pytest.mark.parametrize("other", ["test", "train"])
def test_an_image_of_another_split_ends_the_run(tiny, tmp_path, other):
    images, labels = make_images(40, seed=9)
    with np.load(tiny / "data.npz") as stored:
        images[7] = stored[f"{other}_images"][3]
    dataset = npz(tiny, tmp_path, val_images=images, val_labels=labels)
    target = "results/dataset/dataset.json"
    result = run(tmp_path, tiny, target, dataset={**dataset, "validation": "val"})
    assert result.returncode != 0
    assert (
        f"error: prepare_dataset: dataset.validation: 1 of 40 images are in the {other} split, "
        "too, the first one is number 7 from 0 on; leave them out of one"
    ) in result.stdout
    assert not list((tmp_path / "results/dataset").glob("*"))
