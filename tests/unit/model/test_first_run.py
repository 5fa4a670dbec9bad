"""How much memory and time a model gets that nobody has run here before."""

import pytest
from helpers import make_classifier
from onnx import save
from ptq_comparison.model.first_run import first_run_limits

NONE = {"max_gb": None, "max_seconds": None}


def test_the_limits_grow_with_the_weights_also_those_beside_the_file(tmp_path):
    save(make_classifier(), tmp_path / "model.onnx")
    size = (tmp_path / "model.onnx").stat().st_size
    alone = first_run_limits(tmp_path / "model.onnx", NONE)
    assert alone.address_space == int(5.3e9 + 12 * size) and alone.cpu_seconds == 180
    save(
        make_classifier(), tmp_path / "model.onnx", save_as_external_data=True, location="w.data",
        size_threshold=0,
    )  # fmt: skip
    (tmp_path / "w.data").write_bytes(bytes(10**7))
    beside = first_run_limits(tmp_path / "model.onnx", NONE)
    assert beside.address_space == pytest.approx(5.3e9 + 12e7, rel=1e-3)
    assert beside.cpu_seconds == 200


def test_the_config_sets_them_and_is_named(tmp_path):
    limits = first_run_limits(tmp_path / "gone.onnx", {"max_gb": 2.5, "max_seconds": 7})
    assert (limits.address_space, limits.cpu_seconds) == (2_500_000_000, 7)
    assert limits.memory_line().startswith("model.source: needs more than 2.5 GB; if you trust it")
    assert "model.max_gb" in limits.remedy and "model.max_seconds" in limits.remedy
