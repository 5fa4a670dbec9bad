"""What a model says about its making."""

import onnx
from helpers import RAW, make_classifier
from ptq_comparison.model.metadata import read_metadata, write_metadata

PROVENANCE = {
    "model_sha256": "0" * 64,
    "preprocessing": RAW,
    "options": {"percentile": 99.9},
    "versions": {"onnx": "1.20.0"},
}


def test_metadata_comes_back_and_other_entries_stay():
    model = make_classifier()
    onnx.helper.set_model_props(model, {"author": "somebody"})
    write_metadata(model, PROVENANCE)
    onnx.checker.check_model(model)
    assert read_metadata(model) == PROVENANCE
    assert {entry.key: entry.value for entry in model.metadata_props}["author"] == "somebody"
    assert read_metadata(make_classifier()) == {}
