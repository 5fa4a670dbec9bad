"""Speeds of another device in the choice of a recipe."""

import json

import pytest
from helpers import REPOSITORY
from helpers.devices import device_content, sha256, small_bundle, write_device
from helpers.sweeps import FREE, make_table
from ptq_comparison.common.errors import UserError
from ptq_comparison.common.not_made import write_not_made
from ptq_comparison.config.schema import load_schema
from ptq_comparison.search.device_speeds import (
    describe_speed_device,
    model_sums,
    read_speed_device,
    with_device_speeds,
)
from ptq_comparison.search.selection import select

SCHEMA = load_schema(REPOSITORY / "workflow/schemas/device.schema.yaml")
NAMES = ("fp32", "int8", "recipes/a", "recipes/b")
SUMS = {"a": "recipes/a", "b": "recipes/b", "c": "int8", "d": "nothing"}  # by model in the bundle


@pytest.fixture
def measure(tmp_path):
    """Return a device with two recipes, and the float32 model of its bundle."""

    def function(names=NAMES, edit=None, **options):
        bundle = small_bundle(tmp_path / "bundle", names)
        content = device_content(bundle, **options)
        if edit:
            edit(content)
        (tmp_path / "fp32.onnx").write_bytes(b"fp32" * 10)
        return write_device(tmp_path, content), SCHEMA, tmp_path / "fp32.onnx"

    return function


def sums():
    return {recipe: sha256(model.encode() * 3) for recipe, model in SUMS.items()}


def test_a_recipe_has_the_speed_of_the_model_with_its_sum(measure):
    device = read_speed_device(
        *measure(speeds={"recipes/a": 1.2, "recipes/b": 2.5, "int8": 3.0}, noise=0)
    )
    before = make_table(agreement=[0.99, 0.99, 0.99, 0.99], speedup=[9.0, 1.0, 1.0, 9.0])
    table, where = with_device_speeds(before, device, sums())
    assert table["speedup"].tolist()[:3] == pytest.approx([1.2, 2.5, 3.0])
    assert table["speedup"].isna().tolist() == [False, False, False, True]
    assert table["images_per_second"].isna().tolist() == [False, False, False, True]
    assert (table["speedup_ci95_low"] <= table["speedup"])[:3].all()
    assert before["speedup"].tolist() == [9.0, 1.0, 1.0, 9.0]
    assert where == {
        "name": "pi5", "cpu": "Cortex-A76", "threads": 1, "batch_size": 1, "measured": 3,
    }  # fmt: skip
    fastest, allowed = select(table, {**FREE, "min_speedup": 2.0}, agrees=None)
    assert table.loc[fastest, "recipe"] == "c"
    assert allowed.tolist() == [False, True, True, False]


def test_the_sentence_tells_where_and_what_was_not_measured(measure):
    device = read_speed_device(*measure())
    table = make_table(agreement=[0.99, 0.99, 0.99, 0.99])
    _, where = with_device_speeds(table, device, sums())
    assert describe_speed_device(where, 4, {**FREE, "min_speedup": 1.0}) == (
        "Speeds are those of pi5 (Cortex-A76; 1 thread, batch 1), measured there, not those of "
        "this machine; 1 of 4 recipes were not measured there and have none, which min_speedup "
        "leaves out."
    )
    assert describe_speed_device(where, 3, FREE).endswith("not those of this machine.")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"emulated": "qemu"}, "pi5 is emulated .qemu., and has no times; name a real device"),
        ({"names": ("fp32", "int8")}, "has no recipes; make the bundle again with device.recipes"),
        ({"failed": {"fp32": "old"}}, "no recipe has a speed against float32 there"),
    ],
)
def test_a_device_that_cannot_choose_is_refused(measure, options, said):
    with pytest.raises(UserError, match=said) as error:
        read_speed_device(*measure(**options))
    assert "\n" not in str(error.value)


def test_edited_times_are_refused(measure):
    def edit(content):
        content["models"][2]["latency"]["speedup"] = 9.0

    with pytest.raises(UserError, match=r"models.recipes/a.latency.speedup is 9, but 1.5"):
        read_speed_device(*measure(edit=edit))


def test_another_float32_model_is_refused(measure, tmp_path):
    arguments = measure()
    (tmp_path / "fp32.onnx").write_bytes(b"another")
    with pytest.raises(UserError, match="its float32 model is not that of this run; make the"):
        read_speed_device(*arguments)


def test_recipes_of_another_sweep_are_refused(measure):
    device = read_speed_device(*measure())
    table = make_table(agreement=[0.99])
    with pytest.raises(UserError, match="none of the models that pi5 has timed is that of a rec"):
        with_device_speeds(table, device, {"a": "0" * 64})


def test_what_could_not_be_made_has_no_sum(tmp_path):
    (tmp_path / "a.onnx").write_bytes(b"model")
    write_not_made(tmp_path / "b.onnx", "too large")
    paths = {name: tmp_path / f"{name}.onnx" for name in ("a", "b")}
    assert model_sums(paths) == {"a": sha256(b"model")}
    assert json.dumps(model_sums({})) == "{}"
