"""Files of devices: valid ones are read, and no single figure can be changed unnoticed."""

import copy
import json
import re

import numpy as np
import pytest
from helpers import REPOSITORY
from helpers.devices import device_content, small_bundle, write_device
from ptq_comparison.common.errors import UserError
from ptq_comparison.config.schema import load_schema
from ptq_comparison.device.block_times import speed_of_blocks
from ptq_comparison.device.brought_back import read_bundle, read_device, read_devices
from ptq_comparison.evaluation.timing import Times, speedup

SCHEMA = load_schema(REPOSITORY / "workflow/schemas/device.schema.yaml")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return small_bundle(tmp_path_factory.mktemp("bundle") / "device")


@pytest.fixture(scope="module")
def bundle(folder):
    return read_bundle(*(folder / name for name in ("bundle.json", "labels.npy", "expected.npz")))


@pytest.fixture(scope="module")
def valid(folder):
    """Predictions of int8 differ on the device, and those of uint8 change by saturation."""
    return device_content(folder, changed={"int8": 3}, saturated={"uint8": 4})


@pytest.fixture
def read(bundle, tmp_path):
    def function(content, name="device_pi5.json"):
        text = content if isinstance(content, str) else json.dumps(content)
        (tmp_path / name).write_text(text)
        return read_device(tmp_path / name, SCHEMA, bundle)

    return function


@pytest.fixture
def refused(read):
    """Return the message that refuses a content: one line with the path, and what to do."""

    def function(content, name="device_pi5.json"):
        with pytest.raises(UserError) as error:
            read(content, name)
        message = str(error.value)
        assert "\n" not in message and len(message) < 1000 and name in message
        assert re.search(r"again|take it out|take the file out|name the file|update", message)
        return message

    return function


def row(content, name):
    return next(each for each in content["models"] if each["name"] == name)


def edited(content, path, value):
    """Return a copy with one value changed; `value` may be a function of the old one."""
    copied = copy.deepcopy(content)
    *way, last = path
    place = copied
    for key in way:
        place = place[key]
    place[last] = value(place[last]) if callable(value) else value
    return copied


def figures(content, way=()):
    """Yield the paths of all numbers in a content."""
    items = content.items() if isinstance(content, dict) else enumerate(content)
    for key, value in items:
        if isinstance(value, (dict, list)):
            yield from figures(value, (*way, key))
        elif isinstance(value, (int, float)) and not isinstance(value, bool):
            yield (*way, key)


def test_a_valid_file_is_read_with_what_changed(read, valid):
    device = read(valid)
    assert device["name"] == "pi5" and device["notes"] == []
    assert {each["name"]: each["changed"] for each in device["models"]} == {
        "fp32": 0, "int8": 3, "uint8": 0,
    }  # fmt: skip
    assert row(device, "uint8")["saturation"]["changed"] == 0.02


def test_the_speed_is_that_of_all_calls():
    """It depends on the medians of the blocks alone."""
    calls = np.random.default_rng(3).gamma(9, size=(2, 30, 7))
    one, other = (Times(each, np.zeros(30)) for each in calls)
    medians = np.median(calls, axis=2)
    assert speed_of_blocks(*medians) == speedup(one, other)


# What nothing else in the file, or in the bundle, tells.
UNPROVABLE = re.compile(
    r"settings\.seconds|machine\..*|models\.\d\.executed_by\..*|models\.\d\.peak_memory_bytes|"
    r"models\.\d\.latency\.(p90_ms|p99_ms|session_start_ms)"
)


# One of many that a result counts, or takes the median of, which may leave it as it is.
HARMLESS = re.compile(r"models\.\d\.(block_medians_ms|(saturation\.)?predictions)\.\d+")


@pytest.mark.parametrize("change", [lambda x: 1.2 * x + 0.01, lambda x: x - 1])
def test_no_single_figure_can_be_changed(bundle, folder, tmp_path, change):
    """All numbers but those of the machine; of the many predictions and blocks, some are tried."""
    content = device_content(folder, saturated={"uint8": 4})
    tried, kept = 0, set()
    for path in figures(content):
        name = ".".join(map(str, path))
        if {"predictions", "block_medians_ms"}.intersection(path) and path[-1] > 4:
            continue
        new = edited(content, path, change)
        if new == content:  # half of zero
            continue
        tried += 1
        try:
            read_device(write_device(tmp_path, new), SCHEMA, bundle)
        except UserError:
            continue
        kept.add(name)
    assert tried > 100
    harmless = {name for name in kept if HARMLESS.fullmatch(name)}
    assert len(harmless) < 30  # of 60
    assert {name for name in kept - harmless if not UNPROVABLE.fullmatch(name)} == set()


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("correct", 181),
        ("accuracy", 0.99),
        ("agreement", 1.0),
        ("expected_agreement", 1.0),
        ("saturation.changed", 0.5),
        ("saturation.delta_pp", 0.5),
        ("latency.speedup", 3.0),
        ("latency.speedup_ci95", [1.4, 3.0]),
        ("latency.images_per_second", 1000.0),
        ("latency.median_ms", 1.0),
        ("latency.p90_ms", 0.5),
        ("latency.p99_ms", 0.5),
        ("latency.calls", 899),
        ("latency.threads", 4),
        ("latency.batch_size", 32),
    ],
)
def test_a_figure_that_was_edited_is_named_with_what_it_should_be(refused, valid, key, value):
    message = refused(edited(valid, ("models", 1, *key.split(".")), value))
    assert re.search(rf"models\.int8\.({key.split('.')[0]}|latency|saturation)\b|calls is", message)
    assert "the file was changed after it was measured" in message


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (("dataset", "images_sha256"), "0" * 64, "other images .* images_sha256 differ"),
        (("dataset", "images"), 100, "other images .*100 of 2,000 images there, 200 of 2,000 here"),
        (("models", 1, "sha256"), "0" * 64, "other models .*the SHA-256 of int8 differs"),
        (("models", 1, "bytes"), 5, "models.int8.bytes is 5, but 12 follows from .*bundle.json"),
        (("models", 1, "path"), "models/x.onnx", "models.int8.path is models/x.onnx"),
        (("settings", "batch_size"), 7, "settings.batch_size is 7, but 1"),
        (("settings", "threads"), 2, "latency.threads is 1, but 2"),
        (("settings", "blocks"), 29, "block_medians_ms is 30 long, but 29"),
        (("settings", "provider"), "XnnpackExecutionProvider", "settings.provider is Xnnpack"),
        (("format",), "other", r"no file of measure.py \(format: 'other'\)"),
        (("version",), 2, "newer measure.py .version 2, known here: 1.; update this workflow"),
        (("version",), True, "version: "),
        (("version",), 0, "version: "),
        (("name",), "pi4", "of the device pi4, not of pi5; name the file device_pi4.json"),
        (("finished",), 1, "finished: 1 is of the wrong type; allowed: boolean"),
        (("written",), "yesterday", "written: "),
        (("models",), [], "models: "),
        (("models", 1, "correct"), True, "models.1.correct: True is of the wrong type"),
        (("models", 1, "accuracy"), "0.9", "models.1.accuracy: '0.9' is of the wrong type"),
        (("models", 1, "accuracy"), 2.0, "models.1.accuracy: "),
        (("models", 1, "predictions", 0), True, "int8.predictions: True is no class"),
        (("models", 1, "predictions", 0), None, "int8.predictions: None is no class"),
        (("models", 1, "predictions", 0), 1.0, "int8.predictions: 1.0 is no class"),
        (("models", 1, "predictions", 0), -1, "int8.predictions: -1 is no class"),
        (("models", 1, "predictions", 0), 2**40, "no class"),
        (("models", 1, "predictions", 0), 5, "int8.predictions: 5 is no class: there are 0 to 4"),
        (("models", 1, "predictions"), [0] * 199, "predictions is 199 long, but 200"),
        (("models", 1, "predictions"), None, "predictions is null, but a value"),
        (("models", 1, "failed"), "does not load", "predictions is there, but null"),
        (("models", 1, "latency"), None, "latency is null, but a value"),
        (("models", 1, "block_medians_ms"), None, "block_medians_ms is null, but a value"),
        (("models", 1, "block_medians_ms", 3), 0, "block_medians_ms.3: "),
        (("models", 1, "saturation", "checked"), False, "saturation.changed is there, but null"),
        (("models", 1, "saturation", "why"), "x", "saturation.why is there, but null"),
        (("models", 1, "extra"), 1, "models.1.extra: unknown key"),
        (("emulated",), "qemu", "times of an emulated CPU say nothing"),
    ],
)  # fmt: skip
def test_what_differs_is_named(refused, valid, path, value, said):
    assert re.search(said, refused(edited(valid, path, value)))


def test_a_missing_key_is_named(refused, valid):
    for path in (("machine",), ("models", 1, "failed"), ("models", 1, "latency", "calls")):
        content = copy.deepcopy(valid)
        place = content
        for key in path[:-1]:
            place = place[key]
        del place[path[-1]]
        assert f"'{path[-1]}' is a required property" in refused(content)


def test_a_model_twice_is_refused(refused, valid):
    content = copy.deepcopy(valid)
    content["models"].append(content["models"][1])
    assert "models: int8 stands there twice" in refused(content)


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.999])
def test_a_file_that_was_cut_is_refused(refused, valid, share):
    text = json.dumps(valid)
    message = refused(text[: int(share * len(text))])
    assert "is empty" in message if not share else "is no whole JSON" in message


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[]", "no file of measure.py"),
        ("null", "no file of measure.py"),
        ('{"format": "ptq_comparison.device", "version": 1}', "is a required property"),
        ('{"format": "ptq_comparison.device_bundle", "version": 1}', "no file of measure.py"),
        ("[" * 100_000, "is no JSON of measure.py"),
        (f'{{"version": {"9" * 5000}}}', "is no JSON of measure.py"),
        ('{"name": 1, "name": 2}', "the key 'name' stands there twice"),
    ],
)
def test_what_is_no_file_of_measure_is_refused(refused, text, said):
    assert said in refused(text)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "9" * 400])
def test_a_number_that_is_none_is_refused(refused, valid, number):
    text = json.dumps(edited(valid, ("models", 1, "accuracy"), "HERE")).replace('"HERE"', number)
    refused(text)


def test_bytes_that_are_no_text_are_refused(bundle, tmp_path):
    path = tmp_path / "device_pi5.json"
    path.write_bytes(b"\xff\xfe{\x00")
    with pytest.raises(UserError, match="no text in UTF-8"):
        read_device(path, SCHEMA, bundle)
    path.unlink()
    path.mkdir()
    with pytest.raises(UserError, match="directory"):
        read_device(path, SCHEMA, bundle)


def test_a_huge_file_is_not_read(refused, monkeypatch, valid):
    monkeypatch.setattr("ptq_comparison.device.device_file.MOST_BYTES", 1000)
    assert "more than the 1,000" in refused(valid)


def test_a_file_with_a_mark_of_windows_is_read(bundle, tmp_path, valid):
    path = tmp_path / "device_pi5.json"
    path.write_text("\ufeff" + json.dumps(valid), encoding="utf-8")
    assert read_devices([path], SCHEMA, bundle)[0]["name"] == "pi5"


def test_a_stopped_measurement_counts_and_is_noted(read, valid):
    content = edited(valid, ("finished",), False)
    del content["models"][2]
    device = read(content)
    assert device["notes"] == ["The measurement was stopped before its end."]
    assert [each["name"] for each in device["models"]] == ["fp32", "int8"]


def test_what_a_stopped_measurement_lacks_is_filled_in(read, refused, valid):
    """It compares predictions when all models have run, and writes times block by block."""
    keys = ("correct", "accuracy", "agreement", "expected_agreement")
    content = edited(valid, ("finished",), False)
    for each in content["models"]:
        each |= dict.fromkeys((*keys, "latency", "block_medians_ms"))
    device = read(content)
    for key in keys:
        assert row(device, "int8")[key] == row(valid, "int8")[key]
    content["models"][1]["correct"] = 170
    assert "accuracy is null" in refused(content)
    del content["models"][1:]
    read(content)


def test_the_first_blocks_of_a_stopped_measurement_count(read, refused, folder):
    content = device_content(folder, blocks=12)
    assert "is 12 long, but 30" in refused(content)
    content["finished"] = False
    assert len(row(read(content), "int8")["block_medians_ms"]) == 12
    row(content, "int8")["block_medians_ms"].pop()
    assert "blocks in block_medians_ms is [11, 12]" in refused(content)


def test_another_recommended_model_is_left_out(tmp_path, bundle, folder):
    own = small_bundle(tmp_path / "own", ("fp32", "int8", "recommended"))
    content = device_content(own)
    row(content, "recommended")["sha256"] = "0" * 64
    known = read_bundle(*(own / name for name in ("bundle.json", "labels.npy", "expected.npz")))
    device = read_device(write_device(tmp_path, content), SCHEMA, known)
    assert [each["name"] for each in device["models"]] == ["fp32", "int8"]
    assert "recommended is another one" in device["notes"][0]
    # In this bundle there is none.
    device = read_device(write_device(tmp_path, device_content(own)), SCHEMA, bundle)
    assert (
        device["notes"] == ["Left out, as the bundle has no such model any more: recommended."]
        and len(device["models"]) == 2
    )


def test_models_of_which_none_is_known_are_refused(tmp_path, bundle):
    own = small_bundle(tmp_path / "own", ("fp32", "other"))
    content = device_content(own)
    del content["models"][0]
    content["models"][0]["agreement"] = None
    content["models"][0]["latency"] |= {"speedup": None, "speedup_ci95": None}
    with pytest.raises(UserError, match="has none of the models"):
        read_device(write_device(tmp_path, content), SCHEMA, bundle)


def test_a_device_without_float32_has_no_speed_and_no_agreement(read, refused, folder):
    content = device_content(folder, failed={"fp32": "Unsupported IR version"})
    device = read(content)
    assert row(device, "fp32")["failed"] == "Unsupported IR version"
    assert row(device, "int8")["latency"]["speedup"] is None
    refused(edited(content, ("models", 1, "latency", "speedup"), 2.0))
    refused(edited(content, ("models", 1, "agreement"), 0.99))


def test_an_emulated_device_has_no_times(read, folder):
    device = read(device_content(folder, emulated="qemu-aarch64 10.0 as cortex-a72"))
    assert all(each["latency"] is None for each in device["models"])


def test_a_difference_by_saturation_follows_from_the_classes(refused, valid):
    place = ("models", 2, "saturation")
    assert "saturation.changed" in refused(edited(valid, (*place, "changed"), 0.025))
    old = row(valid, "uint8")["saturation"]["delta_pp"]
    assert "saturation.delta_pp" in refused(edited(valid, (*place, "delta_pp"), old + 0.5))
    assert "saturation is null" in refused(edited(valid, (*place, "predictions"), None))


def test_calls_take_turns(refused, valid):
    assert "latency.calls is [600, 900]" in refused(
        edited(valid, ("models", 1, "latency", "calls"), 600)
    )


@pytest.mark.parametrize("name", ["device_.json", "pi5.json", "device_a b.json", "device_ä.json"])
def test_a_file_of_another_name_is_refused(refused, valid, name):
    refused(valid, name)
