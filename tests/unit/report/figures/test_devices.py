"""What the figure of devices says and shows."""

import pytest
from helpers.layout import check_contrast, check_layout
from ptq_comparison.report.figures.devices import MOST_DEVICES, finding, plot_devices
from ptq_comparison.report.figures.style import label_lines

MODELS = ("fp32", "int8", "uint8", "recommended")


def row(name, speedup=None, changed=0, failed=None, half=0.02):
    ci95 = speedup and [speedup * (1 - half), speedup * (1 + half)]
    latency = {"speedup": speedup, "speedup_ci95": ci95} if speedup else None
    return {
        "name": name, "failed": failed, "latency": latency,
        "changed": None if failed else changed,
    }  # fmt: skip


def device(name, *rows, emulated=None):
    return {"name": name, "emulated": emulated, "images": 500, "models": list(rows)}


PI = device("pi5", row("fp32", 1.0, half=0), row("int8", 2.1, 3), row("uint8", 1.9, half=0.2))
PHONE = device("phone", row("fp32", 1.0, half=0), row("int8", failed="old"), row("uint8", 3.0))
ARM = device("cortex_a72", row("fp32"), row("int8", changed=2), emulated="qemu")
HERE = {name: row(name, speed)["latency"] for name, speed in (("int8", 1.2), ("uint8", 1.4))}


def texts(axes):
    return [text.get_text() for text in axes.texts]


def test_each_model_has_a_row_below_its_device(monkeypatch):
    figure = plot_devices([PI, PHONE, ARM], HERE, MODELS)
    left, right = figure.axes
    assert [label.get_text() for label in left.get_yticklabels()] == [
        "this machine", "int8", "uint8",
        "pi5", "fp32", "int8", "uint8",
        "phone", "fp32", "int8", "uint8",
        "cortex_a72", "fp32", "int8",
    ]  # fmt: skip
    assert texts(left) == [
        "1.20", "1.40", "2.10", "1.90 *", "does not run", "3.00", "emulated, no times",
    ]  # fmt: skip
    assert texts(right) == ["0", "3", "0", "0", "0", "0", "2"]
    widths = [bar.get_width() for bar in right.patches]
    assert widths == pytest.approx([0, 0.6, 0, 0, 0, 0, 0.4])
    assert label_lines(figure) == [
        "Fastest: int8 on pi5 (2.10x float32) and uint8 on phone (3.00x float32); predictions "
        "change on pi5 and cortex_a72",
        "* disturbed by other load",
    ]
    check_layout(figure, "devices", monkeypatch)
    check_contrast(figure, "devices", monkeypatch)


def test_emulated_devices_alone_have_no_speeds(monkeypatch):
    figure = plot_devices([ARM], HERE, MODELS)
    left, _ = figure.axes
    assert "this machine" not in [label.get_text() for label in left.get_yticklabels()]
    assert label_lines(figure)[0] == "Predictions change on cortex_a72"
    check_layout(figure, "emulated", monkeypatch)


def test_where_nothing_changes_the_title_says_so():
    same = device("pc", row("fp32", 1.0), row("int8", 2.0))
    assert finding([same], MODELS) == (
        "Fastest: int8 on pc (2.00x float32); predictions are those of this machine"
    )
    untimed = device("pc", row("fp32"), row("int8"))
    left, _ = plot_devices([untimed], {}, MODELS).axes
    assert texts(left) == ["not timed", "not timed"]


def test_of_many_devices_and_recipes_some_are_left_out(monkeypatch):
    rows = [row("fp32", 1.0), row("int8", 2.0, 1), row("recipes/a", 2.5), row("int8.ort", 2.0)]
    many = [device(f"a-device-with-a-long-name-{k}", *rows) for k in range(MOST_DEVICES + 2)]
    figure = plot_devices(many, HERE, MODELS)
    assert label_lines(figure)[1:] == ["2 devices are left out", "2 other models are left out"]
    assert label_lines(figure)[0] == (
        "On 10 devices, the fastest model is 2.00 times as fast as float32; predictions "
        "change on 10 of 10 devices"
    )
    check_layout(figure, "many", monkeypatch)
