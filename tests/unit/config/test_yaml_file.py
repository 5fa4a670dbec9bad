"""Files of YAML: plain values come back as they are, anything else is one line."""

import pytest
import yaml
from helpers import REPOSITORY
from helpers.confined import confined
from ptq_comparison.common.errors import UserError
from ptq_comparison.config.yaml_file import MAX_BYTES, MAX_DEPTH, read_yaml

BOMB = "\n".join(
    ["a0: &a0 [x, x]", *(f"a{n}: &a{n} [{', '.join(9 * [f'*a{n - 1}'])}]" for n in range(1, 20))]
)
MERGES = "\n".join(
    [
        "a0: &a0 {x: 1}",
        *(f"a{n}: &a{n} {{<<: [{', '.join(9 * [f'*a{n - 1}'])}]}}" for n in range(1, 20)),
    ]
)
CHAIN = "\n".join(["a0: &a0 [x]", *(f"a{n}: &a{n} [*a{n - 1}]" for n in range(1, 1500))])


@pytest.mark.parametrize("name", ["config.yaml", "cifar10.yaml", "recipes.yaml"])
def test_shipped_files_are_read_as_any_reader_does(name):
    path = REPOSITORY / "config" / name
    assert read_yaml(path) == yaml.safe_load(path.read_text())


@pytest.mark.parametrize(
    "text",
    [
        "a: {b: [1, -2.5, true, null, ~, x, 'it''s', \"\\u00e9\"]}",
        "\ufeffa: 1\r\nb: 2\r\n",
        "a: &x {b: 1}\nc: {<<: *x, d: 2}\ne: [*x, *x]",
        "a: |\n  two\n  lines\n",
        "a: !!str 5",
        "a: 1e5",
        "a: .inf",
        "'1': 9223372036854775807",
        '{"a": {"b": [1.5, "c"]}}',
        "a: " + "x" * (MAX_BYTES - 10),
        "a: " + (MAX_DEPTH - 2) * "[" + "1" + (MAX_DEPTH - 2) * "]",
    ],
)
def test_plain_values_are_read_as_any_reader_does(text, tmp_path):
    path = tmp_path / "a.yaml"
    path.write_bytes(text.encode())
    assert read_yaml(path) == yaml.safe_load(text)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", "no mapping at the top; write 'key: value'"),
        ("# nothing", "no mapping at the top"),
        ("- a", "no mapping at the top"),
        ("a", "no mapping at the top"),
        ("a: {b: 1", "line 1: no YAML (while parsing a flow mapping expected ',' or '}'"),
        ("a: 1\nb: c: 1", "line 2: no YAML (mapping values are not allowed"),
        ("a: 1\n---\nb: 2", "line 2: no YAML (expected a single document"),
        ("a: *b", "line 1: no YAML (found undefined alias 'b')"),
        ("a: 1\nb: 'x\x00'", "line 2: the character '\\x00' is not allowed; remove it"),
        ("a: 1\nb: 2\na: 3", "line 3: 'a' stands there once more; rename or remove one of them"),
        ("a: {b: 1, b: 2}", "line 1: 'b' stands there once more"),
        ("1: 2", "line 1: the key '1' is no text; put it in quotes"),
        ("null: 2", "line 1: the key 'null' is no text"),
        ("a: {on: 2}", "line 1: the key 'on' is no text"),
        ("? [a]\n: 1", "line 1: a key is a list or a mapping; give a text"),
        ("? {a: b}\n: 1", "line 1: a key is a list or a mapping; give a text"),
        ("2020-01-01: 2", "line 1: 2020-01-01 is a timestamp in YAML; put it in quotes"),
        ("a:\n- 2020-01-01", "line 2: 2020-01-01 is a timestamp in YAML; put it in quotes"),
        ("a: 2020-13-45", "line 1: 2020-13-45 is a timestamp in YAML; put it in quotes"),
        ("a: =", "line 1: = is a value in YAML; put it in quotes"),
        ("a: <<", "line 1: no YAML"),
        ("<<: 5", "line 1: no YAML"),
        ("a: !!set {b}", "line 1: the tag !!set is not allowed; remove it"),
        ("a: !!binary aGk=", "line 1: the tag !!binary is not allowed"),
        ("a: !own 1", "line 1: the tag !own is not allowed"),
        ("a: !!python/object/apply:os.abort []", "line 1: the tag !!python/object/apply:os.abort"),
        ("a: 0b_", "line 1: 0b_ cannot be read as int; correct it"),
        ("a: !!bool x", "line 1: x cannot be read as bool"),
        ("a: !!str [b]", "line 1: no YAML (expected a scalar node, but found sequence)"),
        (f"a: 1{400 * '0'}", "line 1: the integer 1000"),
        ("a: 9223372036854775808", "is too large; at most 63 bits are allowed"),
        (f"a: {5000 * '1'}", "cannot be read as int"),
        (f"a: 0x{5000 * 'f'}", "is too large; at most 63 bits are allowed"),
        ("a: &a [*a]", "line 1: *a stands inside itself; remove it"),
        ("a: &a {b: *a}", "line 1: *a stands inside itself"),
        (f"a: {2000 * '['}{2000 * ']'}", "line 1: is nested more than 20 deep; flatten it"),
        (2000 * "- ", "line 1: is nested more than 20 deep"),
        ("\n".join(f"{n * ' '}a:" for n in range(900)), "line 20: is nested more than 20 deep"),
        (CHAIN, "line 19: is nested more than 20 deep"),
        (BOMB, "line 5: the file has more than 20,000 values; shorten it"),
        (MERGES, "the file has more than 20,000 values; shorten it"),
        ("a: [" + MAX_BYTES // 3 * "1," + "]", "the file has more than 20,000 values"),
        ("a: " + MAX_BYTES * "x", "has more than 500,000 bytes; shorten it"),
    ],
)
def test_what_is_no_plain_value_is_one_line(text, line, tmp_path):
    path = tmp_path / "a.yaml"
    path.write_text(text)
    outcome = confined(read_yaml, path)
    assert outcome.kind == "refused", outcome
    assert line in outcome.text
    assert "\n" not in outcome.text
    assert len(outcome.text) <= 400
    assert outcome.peak_bytes < 300e6


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b"a: 1\nb: \xff", "line 2: is no UTF-8 text; save the file in UTF-8"),
        (bytes(range(256)), "line 2: is no UTF-8 text"),
        ("a: 1".encode("utf-16"), "line 1: is no UTF-8 text"),
    ],
)
def test_another_encoding_is_one_line(content, line, tmp_path):
    path = tmp_path / "a.yaml"
    path.write_bytes(content)
    with pytest.raises(UserError, match=line):
        read_yaml(path)


def test_what_is_no_file_is_one_line(tmp_path):
    for path, problem in ((tmp_path, "Is a directory"), (tmp_path / "a", "No such file")):
        with pytest.raises(UserError, match=problem):
            read_yaml(path)
