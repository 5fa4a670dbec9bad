"""What is said of validation images, beside what was measured on them."""

import pytest
from ptq_comparison.config.validation_images import describe_validation


def describe(validation=None, name="image_folder", source="model.onnx"):
    config = {"dataset": {"name": name, "validation": validation}, "model": {"source": source}}
    return describe_validation(config)


@pytest.mark.parametrize(("name", "source"), [("npz", "bundled"), ("shapes", "own.onnx")])
def test_a_model_may_have_learned_from_the_training_split(name, source):
    found = describe(name=name, source=source)
    assert (found["split"], found["named"]) == ("train", None)
    assert "agreement is higher there than on images that it never saw" in found["note"]
    assert "dataset.validation can name such images" in found["note"]
    assert "which float32 may have learned from" in found["short"]


def test_the_bundled_model_was_trained_on_other_images_than_the_data_set_shapes():
    found = describe(name="shapes", source="bundled")
    assert found["split"] == "train" and "was trained on others" in found["note"]
    assert "higher" not in found["note"] and "was not trained on" in found["short"]


def test_images_of_their_own_are_named():
    """With any data set: nobody but the user knows whether the model has seen them."""
    for name, source in (("npz", "own.onnx"), ("shapes", "bundled")):
        found = describe("val", name, source)
        assert (found["split"], found["named"]) == ("validation", "val")
        assert found["note"].startswith("Validation images are those of dataset.validation: if")
        assert "training split" not in found["note"] + found["short"]
