"""The script of the bundle: what it measures, and what it leaves when it is stopped or fails."""

import json

import numpy as np
import onnx
import onnxruntime
import pytest
from helpers import RAW, Quantizer, make_classifier, make_images
from helpers.bundles import make_bundle
from ptq_comparison.device import measurement
from ptq_comparison.device.measure import main
from ptq_comparison.evaluation.timing import BLOCK_COUNT, Times, speedup
from ptq_comparison.inference.batches import Batches
from ptq_comparison.inference.saturating import kernels_saturate


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    model, (images, _) = make_classifier(), make_images(60, seed=1)
    quantize = Quantizer(model, Batches.of(images, model, RAW, 20), tmp_path_factory.mktemp("q"))
    return {"fp32": model, "int8": quantize(model)}


@pytest.fixture(scope="module")
def bundle(models, tmp_path_factory):
    return make_bundle(tmp_path_factory.mktemp("bundle"), models)


@pytest.fixture(autouse=True)
def inside(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def run(folder, *arguments, code=0):
    assert main(["--name", "here", *arguments], folder) == code
    try:
        with open("device_here.json") as file:
            return json.load(file)
    except FileNotFoundError:
        return None


def copy_bundle(bundle, folder):
    for file in bundle.rglob("*"):
        if file.is_file():
            target = folder / "copy" / file.relative_to(bundle)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(file.read_bytes())
    return folder / "copy"


def test_every_model_is_measured(bundle, capsys):
    record = run(bundle)
    assert record["finished"] and record["name"] == "here" and record["emulated"] is None
    assert record["runtime"]["onnxruntime"] == onnxruntime.__version__
    assert record["dataset"]["images"] == 40 and record["dataset"]["of"] == 160
    assert record["machine"]["kernels_saturate"] == kernels_saturate()
    labels = np.load(bundle / "labels.npy")
    expected = np.load(bundle / "expected.npz")
    fp32, int8 = record["models"]
    for row in (fp32, int8):
        assert row["failed"] is None
        assert np.array_equal(row["predictions"], expected[row["name"]])
        assert row["accuracy"] == np.mean(np.array(row["predictions"]) == labels)
        assert row["expected_agreement"] == 1
        assert row["executed_by"] == {"CPUExecutionProvider": sum(row["executed_by"].values())}
        assert len(row["block_medians_ms"]) == BLOCK_COUNT
        assert row["peak_memory_bytes"] > 0
        medians = [
            Times(np.array(r["block_medians_ms"])[:, None], np.ones(BLOCK_COUNT))
            for r in (row, fp32)
        ]
        speed, interval = speedup(*medians)
        assert row["latency"]["speedup"] == pytest.approx(speed)
        assert row["latency"]["speedup_ci95"] == pytest.approx(interval)
    assert fp32["latency"]["speedup"] == fp32["agreement"] == 1
    assert int8["agreement"] == np.mean(expected["fp32"] == expected["int8"])
    assert "device_here.json" in capsys.readouterr().out


def test_saturation_is_looked_for_where_sums_can_go_beyond_16_bits(bundle):
    fp32, int8 = run(bundle, "--no-times")["models"]
    assert not fp32["saturation"]["checked"] and "16 bits" in fp32["saturation"]["why"]
    manifest = json.loads((bundle / "bundle.json").read_text())
    if "exact" in manifest["models"][1] and kernels_saturate():
        assert int8["saturation"]["checked"] and len(int8["saturation"]["predictions"]) == 40
    else:
        assert int8["saturation"]["why"]


def test_a_model_that_does_not_load_is_a_row_with_the_reason(models, tmp_path, capsys):
    newer = onnx.ModelProto.FromString(models["int8"].SerializeToString())
    folder = make_bundle(tmp_path, {**models, "newer": newer})
    newer.ir_version = 99
    path = folder / "models/newer.onnx"
    onnx.save(newer, path)
    manifest = json.loads((folder / "bundle.json").read_text())
    from ptq_comparison.common.files import sha256_file

    manifest["files"]["models/newer.onnx"] = manifest["models"][2]["sha256"] = sha256_file(path)
    (folder / "bundle.json").write_text(json.dumps(manifest))
    *rows, failed = run(folder)["models"]
    assert all(row["latency"]["speedup"] > 0 for row in rows)
    assert failed["failed"].startswith(
        f"onnxruntime {onnxruntime.__version__} does not load it; it was made with"
    )
    assert "IR version" in failed["failed"] and "\n" not in failed["failed"]
    assert failed["predictions"] is failed["latency"] is None
    assert failed["failed"] in capsys.readouterr().out


def test_what_is_done_is_kept_and_not_done_again(bundle, monkeypatch, capsys):
    def stop(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(measurement, "measure_in_turn", stop)
    record = run(bundle, code=130)
    assert not record["finished"] and all(row["predictions"] for row in record["models"])
    assert "the same command goes on" in capsys.readouterr().err
    monkeypatch.undo()

    def predict(*arguments):
        raise AssertionError("predicted again")

    monkeypatch.chdir(bundle.parent)
    (bundle.parent / "device_here.json").write_text(json.dumps(record))
    monkeypatch.setattr(measurement, "predict_scores", predict)
    assert run(bundle)["finished"]
    (bundle.parent / "device_here.json").unlink()


def test_times_of_whole_groups_of_blocks_are_kept(bundle, monkeypatch):
    whole = measurement.measure_in_turn

    def stop_after_7(*arguments):
        for number, times in enumerate(whole(*arguments), 1):
            yield times
            if number == 7:
                raise KeyboardInterrupt

    monkeypatch.setattr(measurement, "measure_in_turn", stop_after_7)
    record = run(bundle, code=130)
    assert [len(row["block_medians_ms"]) for row in record["models"]] == [6, 6]
    assert record["models"][1]["latency"]["speedup"] > 0


def test_without_float32_there_is_no_speed_against_it(bundle, monkeypatch):
    load = measurement.Run._load

    def refuse(self, path):
        if path.stem == "fp32":
            raise RuntimeError("no")
        return load(self, path)

    monkeypatch.setattr(measurement.Run, "_load", refuse)
    fp32, int8 = run(bundle)["models"]
    assert fp32["failed"] == "no"
    assert int8["agreement"] is int8["latency"]["speedup"] is None
    assert int8["latency"]["median_ms"] > 0 and int8["accuracy"] > 0


def test_an_emulated_cpu_has_no_times(bundle):
    record = run(bundle, "--emulated", "qemu-aarch64 as max")
    assert record["finished"] and record["emulated"] == "qemu-aarch64 as max"
    for row in record["models"]:
        assert row["predictions"] and row["latency"] is row["peak_memory_bytes"] is None


def test_a_twin_in_ort_format_is_a_row_whose_saturation_the_onnx_file_tells(models, tmp_path):
    rows = run(make_bundle(tmp_path, models, with_ort=True), "--no-times")["models"]
    assert [row["name"] for row in rows] == ["fp32", "int8", "fp32.ort", "int8.ort"]
    assert [row["format"] for row in rows] == ["onnx", "onnx", "ort", "ort"]
    for row in rows[2:]:
        assert row["failed"] is None and row["expected_agreement"] == 1
        assert row["saturation"]["why"] == measurement.OTHER_FORMAT


def test_some_models_are_measured_with_float32(models, tmp_path):
    folder = make_bundle(tmp_path, {**models, "other": models["int8"]})
    assert [row["name"] for row in run(folder, "--models", "other")["models"]] == ["fp32", "other"]


def test_the_options_win_over_the_bundle(bundle):
    settings = run(bundle, "--threads", "2", "--seconds", "0.01")["settings"]
    assert settings["threads"] == 2 or settings["threads"] == 1  # as many as there are cores
    assert settings["seconds"] == 0.01


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--models", "int4"], "no 'int4' in the bundle; it has fp32, int8"),
        (["--provider", "nothing"], "execution provider 'nothing'"),
    ],
)
def test_what_is_not_there_is_one_line(bundle, capsys, arguments, message):
    assert run(bundle, *arguments, code=1) is None
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: ") and message in line


@pytest.mark.parametrize("value", [["--threads", "0"], ["--seconds", "nan"], ["--name", "a/b"]])
def test_odd_options_are_refused(bundle, value, capsys):
    with pytest.raises(SystemExit) as caught:
        main(value, bundle)
    assert caught.value.code == 2
    assert value[0] in capsys.readouterr().err


@pytest.mark.parametrize("name", ["images.npy", "models/int8.onnx", "expected.npz"])
@pytest.mark.parametrize("fault", ["changed", "missing"])
def test_a_bundle_that_is_not_whole_is_not_measured(bundle, tmp_path, capsys, name, fault):
    folder = copy_bundle(bundle, tmp_path)
    file = folder / name
    if fault == "missing":
        file.unlink()
    else:
        file.write_bytes(file.read_bytes()[:-1] + b"x")
    assert run(folder, code=1) is None
    (line,) = capsys.readouterr().err.splitlines()
    assert str(file) in line and "copy and unpack the bundle again" in line


@pytest.mark.parametrize("text", ["", "[]", '{"format": "ptq_comparison.device_bundle"', "{}"])
def test_a_manifest_that_is_none_is_one_line(bundle, tmp_path, capsys, text):
    folder = copy_bundle(bundle, tmp_path)
    (folder / "bundle.json").write_text(text)
    assert run(folder, code=1) is None
    (line,) = capsys.readouterr().err.splitlines()
    assert "bundle.json" in line
