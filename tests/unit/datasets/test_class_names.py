"""Files of class names, and what folders may be called."""

import json

import pytest
from ptq_comparison.common.errors import UserError
from ptq_comparison.datasets.class_names import Classes, read_classes

SYNSETS = {"0": ["n01440764", "tench"], "1": ["n01443537", "goldfish"]}


@pytest.mark.parametrize(
    "content",
    [
        "tench\ngoldfish\n",
        "\ufefftench\r\ngoldfish",
        "tench\ngoldfish\n\n\n",
        "n01440764 tench\nn01443537 goldfish\n",
        "n01440764\ttench\nn01443537\tgoldfish\n",
        "0: tench\n1: goldfish\n",
        "0,tench\n1,goldfish\n",
        '["tench", "goldfish"]',
        '[["n01440764", "tench"], ["n01443537", "goldfish"]]',
        '{"1": "goldfish", "0": "tench"}',
        '{"goldfish": 1, "tench": 0}',
        json.dumps(SYNSETS),
        json.dumps({"model_type": "resnet", "id2label": {"0": "tench", "1": "goldfish"}}),
    ],
)
def test_forms_of_a_file(tmp_path, content):
    path = tmp_path / "classes"
    path.write_text(content, "utf-8")
    classes = read_classes(path)
    assert classes.names == ["tench", "goldfish"]
    assert classes.find("goldfish") == {1}
    if "n01443537" in content:
        assert classes.find("n01443537") == {1}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "has no names; write one a line"),
        ("tench\n\ngoldfish\n", "line 2 is empty; each line names a class"),
        (b"caf\xe9\n", "not UTF-8"),
        ("a\x07b\n", "has a name that is not UTF-8, is of several lines"),
        ('{"0": "tench", "2": "goldfish"}', "has 2 classes, but not with the numbers 0 to 1"),
        ('{"1": "tench", "2": "goldfish"}', "not with the numbers 0 to 1"),
        ('{"tench": 0, "goldfish": 0}', "not with the numbers 0 to 1"),
        ('{"tench": "a"}', "not with the numbers"),
        ('{"0": "tench", "0": "goldfish"}', r"not JSON \('0' stands twice\)"),
        ('{"0": [1]}', r"class 0 is \[1\]; write"),
        ('{"0": []}', r"class 0 is \[\]; write"),
        ("[true]", "write"),
        ("{0: 'tench'}", "not JSON"),
        ("[" * 100_000, "not JSON"),
    ],
)
def test_what_no_file_of_names_is(tmp_path, content, message):
    path = tmp_path / "classes.txt"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(UserError, match=rf"^dataset.classes: .*classes.txt.*{message}") as error:
        read_classes(path)
    assert "\n" not in str(error.value) and len(str(error.value)) < 1000


def test_a_line_of_digits_is_a_name(tmp_path):
    path = tmp_path / "classes.txt"
    path.write_text("0\n1\n10\n2\n")
    assert read_classes(path).names == ["0", "1", "10", "2"]


@pytest.mark.parametrize(
    ("order", "names"),
    [
        (None, ["b10", "b9", "A", "a2"]),
        ("file", ["b10", "b9", "A", "a2"]),
        ("sorted", ["A", "a2", "b10", "b9"]),
        ("natural", ["A", "a2", "b9", "b10"]),
        ("casefold", ["A", "a2", "b10", "b9"]),
    ],
)
def test_orders(tmp_path, order, names):
    path = tmp_path / "classes.txt"
    path.write_text("b10\nb9\nA\na2\n")
    assert read_classes(path, order).names == names


def test_names_are_found_exactly_first_and_then_loosely():
    classes = Classes([["hot_dog"], ["T-shirt"], ["t shirt"], ["Crane, bird"], ["crane"]], True)
    assert classes.find("Hot Dog") == classes.find("hot-dog") == classes.find("HOT__DOG") == {0}
    assert classes.find("T-shirt") == {1} and classes.find("t shirt") == {2}
    assert classes.find("T_SHIRT") == {1, 2}
    assert classes.find("crane") == {4} and classes.find("bird") == {3}
    # A file system may keep an accent as a letter of its own.
    assert Classes([["caf\u00e9"]], True).find("cafe\u0301") == {0}
    strict = Classes([["hot_dog"]])
    assert strict.find("hot_dog") == {0} and strict.find("Hot Dog") == set()


def test_equal_names_are_told_apart():
    lines = Classes([["crane"], ["heron"], ["crane"]], True)
    assert lines.names == ["crane (0)", "heron", "crane (2)"]
    synsets = Classes([["n02012849", "crane"], ["n03126707", "crane"]], True)
    assert synsets.names == ["crane (n02012849)", "crane (n03126707)"]
    assert synsets.index("n03126707", "here", "") == 1
    with pytest.raises(UserError, match="'crane' is the name of the classes 0, 1; use the synset"):
        synsets.index("crane", "here", "")


def test_an_unknown_name_is_told_with_near_ones():
    classes = Classes([["automobile"], ["Airplane"], ["bird"]], True)
    with pytest.raises(UserError) as error:
        classes.index("aeroplane", "dataset.path", "correct it")
    assert str(error.value) == (
        "dataset.path: 'aeroplane' is none of the classes (near: Airplane); correct it"
    )
    with pytest.raises(UserError, match=r"\(they are automobile, Airplane, bird\)"):
        classes.index("xyz", "dataset.path", "correct it")
