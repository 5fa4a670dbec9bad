"""The configuration: its defaults, its documentation, and its mistakes."""

import copy

import pytest
import yaml
from helpers import REPOSITORY
from ptq_comparison.config.validation import config_errors

SCHEMA = yaml.safe_load((REPOSITORY / "workflow/schemas/config.schema.yaml").read_text())
DEFAULT = yaml.safe_load((REPOSITORY / "config/config.yaml").read_text())
CIFAR10 = yaml.safe_load((REPOSITORY / "config/cifar10.yaml").read_text())
KEYS = [(section, key) for section in DEFAULT for key in DEFAULT[section]]


def test_shipped_configs_are_valid_and_spell_out_every_key():
    for config in (DEFAULT, CIFAR10):
        assert config_errors(config, SCHEMA) == []
        assert {s: list(config[s]) for s in config} == {
            section: list(content["properties"])
            for section, content in SCHEMA["properties"].items()
        }


@pytest.mark.parametrize(("section", "key"), KEYS)
def test_every_key_has_a_default_a_description_and_a_place_in_the_readme(section, key):
    schema = SCHEMA["properties"][section]["properties"][key]
    assert schema["default"] == DEFAULT[section][key]
    assert len(schema["description"]) > 20
    assert f"`{section}.{key}`" in (REPOSITORY / "config/README.md").read_text()


MISTAKES = [
    ("calibration", "method", "MinMx", "'MinMx' is not allowed; allowed: MinMax"),
    ("calibration", "seed", -1, "calibration.seed: -1 is less than the minimum of 0"),
    ("calibration", "samples_per_class", "10", "'10' is of the wrong type; allowed: integer"),
    ("calibration", "samples_per_class", 0, "0 is less than the minimum of 1"),
    ("calibration", "samples_per_class", 1.5, "1.5 is of the wrong type; allowed: integer"),
    ("calibration", "samples_per_clas", 1, "unknown key; did you mean 'samples_per_class'?"),
    ("quantization", "dtypes", ["int4"], "dtypes.0: 'int4' is not allowed; allowed: int8, uint8"),
    ("quantization", "dtypes", [], "quantization.dtypes: [] should be non-empty"),
    ("quantization", "per_channel", "yes", "'yes' is of the wrong type; allowed: boolean"),
    ("quantization", "format", "qdq", "'qdq' is not allowed; allowed: QDQ, QOperator"),
    ("model", "layout", "HWC", "'HWC' is not allowed; allowed: auto, NHWC, NCHW"),
    ("model", "std", 0, "model.std: 0 is less than or equal to the minimum of 0"),
    ("model", "mean", ["a"], "model.mean.0: 'a' is of the wrong type; allowed: number"),
    ("dataset", "name", "cifar", "allowed: shapes, cifar10, image_folder, npz"),
    ("dataset", "sha256", "12", "dataset.sha256: '12' does not match"),
    ("baseline", "published_top1", 87.19, "87.19 is greater than the maximum of 1"),
]  # fmt: skip


@pytest.mark.parametrize(("section", "key", "value", "message"), MISTAKES)
def test_a_mistake_names_the_key_and_what_is_allowed(section, key, value, message):
    config = copy.deepcopy(DEFAULT)
    config[section][key] = value
    (line,) = config_errors(config, SCHEMA)
    assert message in line and line.startswith(f"{section}.{key}") and "\n" not in line


def test_every_mistake_is_listed():
    config = copy.deepcopy(DEFAULT)
    config["calibration"] |= {"method": "x", "seed": -1}
    config["datset"] = {}
    lines = config_errors(config, SCHEMA)
    assert len(lines) == 3
    assert any("datset: unknown key; did you mean 'dataset'?" in line for line in lines)
