"""The configuration: its defaults, its documentation, and its mistakes."""

import copy

import config_tables
import pytest
import yaml
from helpers import REPOSITORY
from ptq_comparison.config.methods import METHODS
from ptq_comparison.config.schema import fill_in_defaults, load_schema
from ptq_comparison.config.schemes import DTYPES
from ptq_comparison.config.validation import config_conflicts, config_errors
from ptq_comparison.datasets.readers import KINDS

SCHEMA = load_schema(REPOSITORY / "workflow/schemas/config.schema.yaml", dataset_kinds=KINDS)
DEFAULT = yaml.safe_load((REPOSITORY / "config/config.yaml").read_text())
CIFAR10 = yaml.safe_load((REPOSITORY / "config/cifar10.yaml").read_text())
U8S8 = {"activation_type": "QUInt8", "weight_type": "QInt8"}
KEYS = [(section, key) for section in DEFAULT for key in DEFAULT[section]]


def test_the_default_is_valid_and_spells_out_every_key():
    assert config_errors(DEFAULT, SCHEMA) == []
    assert {s: list(DEFAULT[s]) for s in DEFAULT} == {
        section: list(content["properties"])
        for section, content in SCHEMA.schema["properties"].items()
    }


def test_cifar10_is_valid_and_names_only_what_differs_from_the_default():
    """Snakemake merges it over the default, key by key."""
    complete = {section: {**DEFAULT[section], **CIFAR10.get(section, {})} for section in DEFAULT}
    assert config_errors(CIFAR10, SCHEMA) == config_errors(complete, SCHEMA) == []
    for section, content in CIFAR10.items():
        for key, value in content.items():
            assert value != DEFAULT[section][key], f"{section}.{key}"


@pytest.mark.parametrize(("section", "key"), KEYS)
def test_every_key_has_a_default_a_description_and_a_place_in_the_readme(section, key):
    schema = SCHEMA.schema["properties"][section]["properties"][key]
    assert schema["default"] == DEFAULT[section][key]
    assert len(schema["description"]) > 20
    assert f"`{section}.{key}`" in (REPOSITORY / "config/README.md").read_text()


def test_defaults_are_filled_in_and_nothing_else():
    config = {"calibration": {"seed": 7}, "quantization": {"extra_dtypes": {"u8": dict(U8S8)}}}
    fill_in_defaults(config, SCHEMA.schema)
    assert config["quantization"].pop("extra_dtypes") == {"u8": U8S8}
    assert config["calibration"].pop("seed") == 7
    expected = copy.deepcopy(DEFAULT)
    del expected["quantization"]["extra_dtypes"], expected["calibration"]["seed"]
    assert config == expected
    config["latency"]["threads"].append(2)
    assert SCHEMA.schema["properties"]["latency"]["properties"]["threads"]["default"] == [1, "all"]


def test_names_come_from_the_tables_of_the_code():
    keys = SCHEMA.schema["properties"]
    assert keys["calibration"]["properties"]["method"]["enum"] == list(METHODS)
    assert keys["dataset"]["properties"]["name"]["enum"] == list(KINDS)
    quantization = keys["quantization"]["properties"]
    assert quantization["dtypes"]["items"]["enum"] == list(DTYPES)
    assert {"fp32", *DTYPES} < set(quantization["extra_dtypes"]["propertyNames"]["not"]["enum"])


def test_the_tables_of_the_readme_are_those_of_make_docs():
    text = (REPOSITORY / "config/README.md").read_text()
    assert config_tables.with_tables(text) == text
    assert "<!-- keys of recipes -->" in text


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
    ("quantization", "extra_dtypes", {"int8": U8S8}, "extra_dtypes: 'int8' is taken; choose anoth"),
    ("quantization", "extra_dtypes", {"fp32": U8S8}, "extra_dtypes: 'fp32' is taken; choose anoth"),
    ("acceptance", "target_drop_pp", 1, "refused: its name is sensitivity.target_drop_pp now"),
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


def test_a_path_that_is_not_utf8_is_named():
    config = copy.deepcopy(DEFAULT)
    config["dataset"]["path"], config["sweep"]["recipes"] = "\udcff.npz", "{c} é.yaml"
    (line,) = config_conflicts(config)
    assert line.startswith("dataset.path: '\\udcff.npz': Snakemake takes only names that are UTF-8")
