"""Configurations and recipes with mistakes of all kinds: read as written, or one line."""

import itertools
import math
import random
import time

import pytest
import yaml
from helpers import REPOSITORY, run_snakemake
from helpers.confined import confined
from ptq_comparison.common.errors import UserError
from ptq_comparison.config.recipe_file import read_recipes
from ptq_comparison.config.recipe_lists import WHOLE
from ptq_comparison.config.recipes import METHOD_OPTIONS
from ptq_comparison.config.schema import fill_in_defaults, load_schema
from ptq_comparison.config.schemes import DTYPES
from ptq_comparison.config.validation import config_conflicts, config_errors
from ptq_comparison.config.yaml_file import read_yaml
from ptq_comparison.datasets.readers import KINDS
from snakemake.common.configfile import load_configfile

CONFIG_SCHEMA, RECIPES_SCHEMA = (
    load_schema(REPOSITORY / f"workflow/schemas/{name}.schema.yaml", dataset_kinds=KINDS)
    for name in ("config", "recipes")
)
DEFAULT = yaml.safe_load((REPOSITORY / "config/config.yaml").read_text())
SECONDS, BYTES = 2, 300e6

BOMB = "\n".join(
    ["b0: &b0 [x, x]", *(f"b{n}: &b{n} [{', '.join(9 * [f'*b{n - 1}'])}]" for n in range(1, 12))]
)
VALUES = [
    "", "~", "true", "yes", "-1", "0", "1", "2.5", "42.0", "1e5", "1.0e+400", ".nan", "-.inf",
    "nan", f"1{400 * '0'}", f"0x{4000 * 'f'}", 5000 * "1", "0b_", "017", "1:30", "2020-01-01",
    "=", "<<",
    "[]", "{}", "[1, 2, 3]", "[a, a]", "{a: 1, a: 2}", "{1: 2, b: 3, null: 4}", "&a [*a]", "*b",
    2000 * "[", 900 * "[" + 900 * "]", "[" + 40_000 * "1," + "]", "!!set {a}", "!!binary aGk=",
    "!!python/object/apply:os.abort []", "!own x", "!!int x", "x", "'x", '"\\0"', '"\\ud800"',
    '"a\\n"', "../../x", "https://[::1", "http://", 5000 * "x", 50_000 * "x ", "MinMax", "QDQ",
    "|\n  a\n  b", "{<<: 5}", "[QInt8, [QInt8]]", "{input: QUInt16}", "@x", "`x`", "%x", "x: y",
]  # fmt: skip
LINES = [
    "1: 2", "null: 2", "on: 2", "? [a]\n: 1", "---", "...", "%YAML 9.9", "\tx: 1", "- x", "x",
    BOMB, "x: 1", "2020-01-01: 1", f"? {5000 * 'x'}\n: 1", "'': 1", "<<: {dataset: {name: npz}}",
    "__proto__: {}", "recipes: {a: {dtype: int8}}", "dataset: {}", "\n".join(600 * ["- "]),
    "recipes: {a: {dtype: [int8, uint8], percentile: [" + "99," * 4000 + "]}}",
    "recipes: {a: {" + ", ".join(f"k{n}: {list(range(30))}" for n in range(6)) + "}}",
]  # fmt: skip


def mutate(content: bytes, generator: random.Random) -> bytes:
    """Return the content of a file with one to three mistakes."""
    for _ in range(generator.choice([1, 1, 2, 3])):
        content = generator.choice(MUTATIONS)(content, generator)
    return content


def edit_line(change):
    """Return a mutation that puts other lines in place of one."""

    def mutated(content, generator):
        lines = content.split(b"\n")
        number = generator.randrange(len(lines))
        lines[number : number + 1] = change(lines[number], generator)
        return b"\n".join(lines)

    return mutated


def other_value(line, generator):
    key, colon, _ = line.partition(b":")
    value = generator.choice(VALUES).encode()
    return [key + colon + b" " + value if colon else line + value]


def other_key(line, generator):
    place = generator.randrange(len(line) + 1)
    return [line[:place] + generator.choice([b"", b"x", b"_", b" ", b"'"]) + line[place + 1 :]]


def flip_bytes(content, generator):
    changed = bytearray(content)
    for _ in range(generator.randint(1, 5)):
        changed[generator.randrange(len(changed))] = generator.randrange(256)
    return bytes(changed)


def word_swapped(content, generator):
    words = [word for word in content.split() if word.isalnum()]
    return (
        content.replace(generator.choice(words), generator.choice(words), 1) if words else content
    )


MUTATIONS = [
    edit_line(other_value),
    edit_line(other_value),
    edit_line(other_value),
    edit_line(other_key),
    edit_line(lambda line, _: []),
    edit_line(lambda line, _: [line, line]),
    edit_line(lambda line, generator: [line, generator.choice(LINES).encode()]),
    edit_line(lambda line, generator: [b" " * generator.randint(1, 3) + line]),
    edit_line(lambda line, _: [line.replace(b":", b": &a", 1)]),
    edit_line(lambda line, _: [line.replace(b":", b": *given", 1)]),
    edit_line(lambda line, _: [line.split(b"#")[0] + b" # a comment"]),
    lambda content, generator: content[: generator.randrange(len(content) + 1)] or b"#",
    flip_bytes,
    word_swapped,
]


def means(path, base):
    """Tell whether a file holds what `base` holds; keys that stand twice are no part of that."""
    try:
        text = path.read_text(encoding="utf-8")
        return yaml.safe_load(text) == base and not repeated(yaml.compose(text))
    except Exception:
        return False


def repeated(node):
    """Tell whether a key stands twice in a mapping, in any part of a node without cycles."""
    if isinstance(node, yaml.MappingNode):
        keys = [key.value for key, _ in node.value]
        return len(set(keys)) < len(keys) or any(repeated(value) for _, value in node.value)
    return isinstance(node, yaml.SequenceNode) and any(map(repeated, node.value))


def assert_contains(complete, content):
    """Check that a complete configuration has each value of a file, of the same type."""
    assert type(complete) is type(content)
    if isinstance(content, dict):
        for key, value in content.items():
            assert isinstance(key, str)
            assert_contains(complete[key], value)
    else:
        assert complete == content
        assert not isinstance(content, float) or math.isfinite(content)


def read_config(path, base):
    """Read a configuration as the Snakefile does, and compare it with what others read."""
    try:
        content = read_yaml(path)
        config = yaml.safe_load(yaml.safe_dump(content))
        errors = config_errors(config, CONFIG_SCHEMA)
        if not errors:
            fill_in_defaults(config, CONFIG_SCHEMA.schema)
            errors = list(config_conflicts(config))
        check(errors)
    except UserError:
        assert not means(path, base), "refused, although it means the same"
        raise
    assert load_configfile(path) == yaml.safe_load(path.read_text()) == content
    assert not repeated(yaml.compose(path.read_text()))
    assert_contains(config, content)


def read_recipes_file(path, base):
    """Read recipes as the Snakefile does, and compare them with what others read."""
    recipes, errors = read_recipes(path, RECIPES_SCHEMA, DEFAULT)
    if errors:
        assert not means(path, base), "refused, although it means the same"
    check(errors)
    content = yaml.safe_load(path.read_text())
    assert not repeated(yaml.compose(path.read_text()))
    expected = []
    for grid in content["recipes"].values():
        lists = [key for key in grid if isinstance(grid[key], list) and key not in WHOLE]
        for values in itertools.product(*(grid[key] for key in lists)):
            expected.append({**grid, **dict(zip(lists, values, strict=True))})
    assert len(recipes) == len(expected)
    for recipe, wanted in zip(recipes.values(), expected, strict=True):
        for key, value in wanted.items():
            if key == "dtype":
                assert (recipe["activation_type"], recipe["weight_type"]) == DTYPES[value]
            elif key == "samples_per_class":  # of those of the configuration
                assert recipe[key] == min(value, 100)
            elif key in recipe:
                # Without per_channel, a recipe is completed as its format allows.
                if value is not None or key != "per_channel":
                    assert_contains(recipe[key], value)
            else:
                assert key in METHOD_OPTIONS, f"{key} is lost"


def timed(function, *arguments):
    """Call a function, which may take so many seconds of the CPU: other tests run beside it."""
    begin = time.process_time()
    try:
        return function(*arguments)
    finally:
        assert time.process_time() - begin < SECONDS


def check(errors):
    for line in errors:
        assert "\n" not in line
        assert len(line) <= 400, f"a wall of {len(line)} letters: {line}"
        assert line.isprintable()
    assert len(errors) <= 20
    if errors:
        raise UserError(errors[0])


TRIALS = {
    "configurations": (read_config, ["config.yaml", "cifar10.yaml"]),
    "recipes files": (read_recipes_file, ["recipes.yaml"]),
}
PARTS = [(0, 50), pytest.param(50, 500, marks=pytest.mark.soak)]


@pytest.mark.parametrize("kind", TRIALS)
@pytest.mark.parametrize(("first", "end"), PARTS)
def test_mutated_files_are_read_as_written_or_refused(kind, first, end, tmp_path, tally):
    read, names = TRIALS[kind]
    contents = [(REPOSITORY / "config" / name).read_bytes() for name in names]
    originals = [(content, yaml.safe_load(content)) for content in contents]
    path = tmp_path / "mutated.yaml"
    wrong, texts = [], []
    for number in range(first, end):
        generator = random.Random(number)
        content, original = generator.choice(originals)
        path.write_bytes(mutate(content, generator))
        outcome = confined(timed, read, path, original)
        good = outcome.survived and outcome.peak_bytes < BYTES
        if not (good and len(outcome.text) <= 400 and "\n" not in outcome.text):
            wrong.append((number, outcome))
        texts.append(outcome.text)
    tally(f"mutated {kind}", end - first, end - first - len(wrong))
    assert not wrong, wrong[:3]
    # Some are accepted, the others are refused for many reasons.
    assert 3 < texts.count("None") < len(texts) / 2
    assert len({text.rpartition(": ")[2] for text in texts}) > len(texts) / 10


NESTED = f"calibration: {1500 * '['}".encode()
GRID = "recipes: {a: {" + ", ".join(f"k{n}: {list(range(30))}" for n in range(5)) + "}}"
# The user's own configuration, other files and options of the command line, and the line.
RUNS = {
    "a key twice": (
        {"config": b"latency: {}\nlatency: {}"},
        (),
        "config.yaml: line 2: 'latency' s",
    ),
    "no text": ({"config": bytes(range(256))}, (), "config.yaml: line 2: is no UTF-8 text"),
    "nothing": ({"config": b""}, (), "config.yaml: no mapping at the top"),
    "nested": ({"config": NESTED}, (), "config.yaml: line 1: is nested more than 20 deep"),
    "aliases": ({"config": BOMB.encode()}, (), "config.yaml: line 5: the file has more than"),
    "NaN": (
        {"config": b"evaluation: {saturation_threshold: .nan}"},
        (),
        "config: evaluation.saturation_threshold: nan is not a finite number",
    ),
    "templates": (
        {"config": b"__use_yte__: true"},
        (),
        "config.yaml: __use_yte__: is an order to Snakemake; remove it",
    ),
    "variables of paths": ({"config": b"pathvars: 5"}, (), "config.yaml: pathvars: is an order"),
    "a key twice in another file": (
        {"other": b"latency: {measure: false, measure: true}"},
        ("--configfile", "other.yaml"),
        "other.yaml: line 1: 'measure' stands there once more",
    ),
    "a key that is no text in another file": (
        {"other": b"latency: {}\n1: 2"},
        ("--configfile", "other.yaml"),
        "other.yaml: line 2: the key '1' is no text",
    ),
    "NaN in the command line": (
        {},
        ("--config", "evaluation={saturation_threshold: .nan}"),
        "config: evaluation.saturation_threshold: '.nan' is of the wrong type",
    ),
    "an address in the command line": (
        {},
        ("--config", "model={source: 'https://[::1'}"),
        "config: model.source: https://[::1 is no address",
    ),
    "a long path": (
        {},
        ("--config", f"model={{source: {5000 * 'x'}}}"),
        f"config: model.source: {199 * 'x'}…: no such file",
    ),
    "many recipes": ({"recipes": GRID.encode()}, (), "recipes.yaml: recipes.a: its lists bring th"),
    "recipes that are no text": (
        {"recipes": b"\xff"},
        (),
        "recipes.yaml: line 1: is no UTF-8 text",
    ),
}


@pytest.mark.parametrize("name", RUNS)
def test_snakemake_ends_in_one_line_before_any_job(name, tmp_path, tally):
    files, options, line = RUNS[name]
    (tmp_path / "config").mkdir()
    for stem, content in files.items():
        (tmp_path / "config" / f"{stem}.yaml").write_bytes(content)
    options = [o.replace("other.yaml", str(tmp_path / "config/other.yaml")) for o in options]
    result = run_snakemake(tmp_path, "all", options=tuple(options))
    lines = [text for text in result.stdout.splitlines() if text.startswith("error: ")]
    good = len(lines) == 1 and result.returncode > 0 and "Traceback" not in result.stdout
    tally("mistakes in runs of snakemake", 1, int(good))
    assert good, result.stdout
    assert lines[0].startswith(f"error: {line}")
    assert len(lines[0]) <= 400
    assert not (tmp_path / "results").exists()
