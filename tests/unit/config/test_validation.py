"""The configuration: its defaults, its documentation, and its mistakes."""

import copy
import math
import time

import config_tables
import pytest
import yaml
from helpers import REPOSITORY
from ptq_comparison.common.address import ADDRESS_KEYS
from ptq_comparison.config.methods import METHODS
from ptq_comparison.config.schema import fill_in_defaults, load_schema
from ptq_comparison.config.schemes import DTYPES, REFERENCES
from ptq_comparison.config.validation import config_conflicts, config_errors
from ptq_comparison.datasets.readers import KINDS

SCHEMA = load_schema(REPOSITORY / "workflow/schemas/config.schema.yaml", dataset_kinds=KINDS)
DEFAULT = yaml.safe_load((REPOSITORY / "config/config.yaml").read_text())
CIFAR10 = yaml.safe_load((REPOSITORY / "config/cifar10.yaml").read_text())
U8S8 = {"activation_type": "QUInt8", "weight_type": "QInt8"}
SECTIONS = [section for section in DEFAULT if isinstance(DEFAULT[section], dict)]
SECTION_SCHEMAS = {section: SCHEMA.schema["properties"][section] for section in SECTIONS}
KEYS = [(section, key) for section in SECTIONS for key in DEFAULT[section]]


def test_the_default_is_valid_and_spells_out_every_key():
    assert config_errors(DEFAULT, SCHEMA) == []
    assert {s: list(DEFAULT[s]) for s in SECTIONS} == {
        section: list(content["properties"]) for section, content in SECTION_SCHEMAS.items()
    }
    assert list(DEFAULT) == list(SCHEMA.schema["properties"])


def test_cifar10_is_valid_and_names_only_what_differs_from_the_default():
    """Snakemake merges it over the default, key by key."""
    complete = {section: {**DEFAULT[section], **CIFAR10.get(section, {})} for section in SECTIONS}
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
    assert keys["comparison"]["properties"]["references"]["items"]["enum"] == list(REFERENCES)
    assert {"fp32", *DTYPES, *REFERENCES} < set(
        quantization["extra_dtypes"]["propertyNames"]["not"]["enum"]
    )


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
    ("quantization", "extra_dtypes", {"fp16": U8S8}, "extra_dtypes: 'fp16' is taken; choose anoth"),
    ("quantization", "extra_dtypes", {"dynamic": U8S8}, "'dynamic' is taken; choose another"),
    ("comparison", "references", ["bf16"], "references.0: 'bf16' is not allowed; allowed: fp16"),
    ("comparison", "references", ["fp16", "fp16"], "'fp16' stands there twice; remove one of them"),
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


def number_keys(schema, path=()):
    """Yield the path of every number in a schema, inside of lists and mappings, too."""
    schema = RESOLVED.get(schema.get("$ref"), schema)
    kinds = schema.get("type", [])
    if {"integer", "number"}.intersection([kinds] if isinstance(kinds, str) else kinds):
        yield path
    for key, inner in schema.get("properties", {}).items():
        yield from number_keys(inner, (*path, key))
    if isinstance(schema.get("items"), dict):
        yield from number_keys(schema["items"], (*path, 0))
    if isinstance(schema.get("additionalProperties"), dict):
        yield from number_keys(schema["additionalProperties"], (*path, "x"))


RECIPES = load_schema(REPOSITORY / "workflow/schemas/recipes.schema.yaml", dataset_kinds=KINDS)
RESOLVED = {
    f"config.schema.yaml#/properties/{section}/properties/{key}": schema
    for section, content in SECTION_SCHEMAS.items()
    for key, schema in content["properties"].items()
}
NUMBERS = [(schema, path) for schema in (SCHEMA, RECIPES) for path in number_keys(schema.schema)]


def test_numbers_are_found_in_both_schemas():
    paths = {path for _, path in NUMBERS}
    assert ("evaluation", "saturation_threshold") in paths
    assert ("baseline", "published", "models", "x", "top1") in paths
    assert ("model", "mean", 0) in paths
    assert ("recipes", "x", "percentile") in paths


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 10**400, -(10**400)])
@pytest.mark.parametrize(
    ("schema", "path"), NUMBERS, ids=[".".join(map(str, path)) for _, path in NUMBERS]
)
def test_no_key_takes_a_number_that_is_not_finite(schema, path, value):
    content = value
    for key in reversed(path):
        content = [content] if key == 0 else {key: content}
    key = ".".join(map(str, path))
    (line,) = [line for line in config_errors(content, schema) if line.startswith(f"{key}: ")]
    assert "is not a finite number" in line or "is of the wrong type" in line


HOSTILE = [
    ("calibration", "seed", 42.0, "calibration.seed: 42.0 is of the wrong type; allowed: integer"),
    ("calibration", "seed", 2**63, "9223372036854775808 is not a finite number of 64 bits"),
    ("calibration", "seed", "1_0", "allowed: integer; write 10 in a file, where --config gives te"),
    ("model", "scale", "1e-3", "allowed: number or null; write 0.001 in a file, where --config"),
    ("model", "scale", "1e-7", "allowed: number or null; write 1.0e-07 in a file"),
    ("model", "scale", ".nan", "'.nan' is of the wrong type; allowed: number"),
    ("model", "scale", "nan", "'nan' is of the wrong type; allowed: number"),
    ("model", "mean", [1.0] * 100_000, "has 100,000 entries; at most 1,000 are allowed"),
    ("model", "source", "a\x00b", r"'a\x00b' has a line break or a character that cannot be pri"),
    ("model", "source", "\ud800", "has a line break or a character that cannot be printed"),
    ("model", "source", ["x" * 100_000], "is of the wrong type; allowed: string"),
    ("dataset", "sha256", 64 * "a" + "\n", "has a line break"),
    ("dataset", "url", {"x": list(range(10_000))}, "is of the wrong type; allowed: string or null"),
    ("dataset", "name", "x" * 100_000, "is not allowed; allowed: shapes, cifar10"),
    ("latency", "threads", [*range(1, 100_000), "all"], "has 100,000 entries; at most 100"),
    ("latency", "threads", [2, "all", 2], "latency.threads: 2 stands there twice; remove one"),
    ("latency", "threads", [10**6], "1000000 is greater than the maximum of 1024"),
    ("latency", "providers", [], "latency.providers: [] "),
    ("latency", "providers", ["../cuda"], "latency.providers.0: '../cuda' "),
    ("latency", "seconds", 1e300, "1e+300 is greater than the maximum of 3600"),
    ("calibration", "num_bins", 10**12, "is greater than the maximum of 65536"),
    ("quantization", "nodes_to_exclude", ["a"] * 30_000, "'a' stands there twice; remove one"),
    ("quantization", "extra_dtypes", {f"a{n}": U8S8 for n in range(101)}, "has 101 entries; at mo"),
    ("quantization", "extra_dtypes", {"a" * 151: U8S8}, "has 151 letters; at most 150 are allowed"),
    ("quantization", "extra_dtypes", {"a\n": U8S8}, r"'a\n' has a line break"),
    ("quantization", "extra_options", {1: 2, None: 3, "x": 4}, "extra_options.1: the key is no te"),
    ("quantization", "extra_options", {"x" * 100_000: 4}, "…: unknown key; allowed: ActivationSym"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("section", "key", "value", "message"), HOSTILE, ids=[message for *_, message in HOSTILE]
)
def test_a_hostile_value_is_a_short_line(section, key, value, message):
    config = copy.deepcopy(DEFAULT)
    config[section][key] = value
    begin = time.process_time()
    lines = config_errors(config, SCHEMA)
    assert any(message in line for line in lines), lines
    assert all(len(line) <= 400 and "\n" not in line for line in lines)
    assert len(lines) <= 20
    assert time.process_time() - begin < 2


def test_addresses_are_asked_for_as_they_are_or_refused():
    def errors(section, key, value):
        config = copy.deepcopy(DEFAULT)
        config[section][key] = value
        return config_errors(config, SCHEMA) or list(config_conflicts(config))

    for section, key in ADDRESS_KEYS.items():
        for address in (
            "https://[::1", "http://", "https:///a.onnx", "http://h:x/a", "http://h:99999/a",
            "https://h/..", f"https://h/{'a' * 300}",
        ):  # fmt: skip
            (line,) = errors(section, key, address)
            assert line.startswith(f"{section}.{key}: {address[:20]}")
            assert len(line) <= 400
        for address in ("https://h/a.onnx?download=1", "http://[::1]:80/a", "https://h/{a}"):
            assert errors(section, key, address) == []
