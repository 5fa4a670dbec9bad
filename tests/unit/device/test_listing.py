"""Which files of devices there are, and which cannot be told apart."""

import pytest
from ptq_comparison.common.errors import UserError
from ptq_comparison.device.listing import list_devices


def touch(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("{}")
    return str(path)


def test_files_of_the_config_come_first_then_those_in_results(tmp_path):
    results = tmp_path / "results"
    own = touch(tmp_path / "own/device_pi5.json")
    brought = touch(results / "devices/device_pc.json")
    emulated = touch(results / "emulated/device_cortex_a72.json")
    provider = touch(results / "providers/device_OpenVINO.json")
    touch(results / "devices/notes.txt")
    assert list(list_devices([own], str(results)).items()) == [
        ("pi5", own), ("pc", brought), ("cortex_a72", emulated), ("OpenVINO", provider),
    ]  # fmt: skip
    assert list_devices([own], None) == {"pi5": own}
    assert list_devices([], str(tmp_path / "none")) == {}


def test_a_file_named_twice_is_one(tmp_path):
    path = touch(tmp_path / "results/devices/device_pi5.json")
    assert list_devices([path], str(tmp_path / "results")) == {"pi5": path}


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("device_pi5.json", "are both of pi5; remove one of them"),
        ("device_a b.json", "'a b' is no name of a device"),
        ("device_ü.json", "is no name of a device"),
        ("device_-x.json", "is no name of a device"),
        (f"device_{'a' * 61}.json", "is no name of a device"),
        ("pi5.json", "is no device_<name>.json"),
        ("device_{a}.json", "Snakemake cannot read a path"),
        ("device_<a>.json", "Snakemake cannot read a path"),
    ],
)
def test_a_file_that_tells_no_device_is_refused(tmp_path, name, said):
    touch(tmp_path / "results/devices/device_pi5.json")
    own = touch(tmp_path / "own" / name)
    with pytest.raises(UserError, match=said) as error:
        list_devices([own], str(tmp_path / "results"))
    assert "\n" not in str(error.value)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(UserError, match=r"device_x.json: no such file; correct the path"):
        list_devices([str(tmp_path / "device_x.json")], None)
    with pytest.raises(UserError, match="no such file"):
        list_devices([str(tmp_path)], None)


def test_a_broken_link_in_results_is_named(tmp_path):
    folder = tmp_path / "results/devices"
    folder.mkdir(parents=True)
    (folder / "device_pi5.json").symlink_to(tmp_path / "gone")
    with pytest.raises(UserError, match=r"device_pi5.json: no such file"):
        list_devices([], str(tmp_path / "results"))
