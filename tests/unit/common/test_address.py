"""Addresses: the name of the file behind one, and what messages show of it."""

from pathlib import Path

import pytest
from ptq_comparison.common.address import file_of_address, is_downloaded, is_in_bucket, masked
from ptq_comparison.common.errors import UserError


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://x/a/model.onnx", "model.onnx"),
        ("https://x/model.h5?download=1#readme", "model.h5"),
        ("https://x/a/", "a"),
        ("https://x/a/.", "a"),
        ("https://x", "x"),
        ("http://user:secret@x:8080/?id=5", "x"),
        ("https://x/../../m.onnx", "m.onnx"),
        ("https://x/..%2f/m.onnx", "m.onnx"),
        ("https://x/my%20model (1).onnx", "my%20model (1).onnx"),
        ("https://x/модель.onnx", "модель.onnx"),
        ("https://x/..onnx", "..onnx"),
        (f"https://x/{'a' * 200}", "a" * 200),
        ("https://x/{c}<d>.onnx?x={y}", "%7Bc%7D%3Cd%3E.onnx"),  # no wildcard of Snakemake
    ],
)
def test_the_name_of_the_file(url, name):
    assert file_of_address(url, "model.source") == name


@pytest.mark.parametrize(
    "url",
    [
        *("https://x/a/..", "https://x/%2e%2e", "https://x/.%2E?a", "https://../"),
        *("https://x/..%2Fa", "https://x/%2Fetc%2Fpasswd", "https://x/a%5Cb", "https://x/a\\b"),
        *(
            "https://x/a%00b",
            "https://x/a\0b",
            "https://x/a%0Ab",
            "https://x/%1b[31m",
            "https://x/%ff",
        ),
        *(
            "https://",
            "https:///",
            "https://?a",
            "https://[",
            "https://x:99999/a",
            "https:///a",
            "https://x/a*b",
        ),
        *(f"https://x/{'a' * 201}", f"https://x/{'я' * 101}", "https://x/" + "a" * 100_000),
    ],
)
def test_a_name_that_is_not_plain_is_refused_in_one_line(url):
    with pytest.raises(UserError) as caught:
        file_of_address(url, "dataset.url")
    line = str(caught.value)
    assert line.startswith("dataset.url: https:") and line.isprintable() and len(line) < 800


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://x/a/m.onnx", "https://x/a/m.onnx"),
        ("https://user:secret@x/m.onnx?token=secret#secret", "https://***@x/m.onnx"),
        ("http://secret@x", "http://***@x"),
        ("https://user:sec@ret@x/", "https://***@x/"),
        ("ftp://user:secret@x/", "ftp://***@x/"),
        ("https://x/a@b", "https://x/a@b"),
        ("https://x/a\n\x1b[31mb", "https://x/a??[31mb"),
        ("a/model@2.onnx", "a/model@2.onnx"),
    ],
)
def test_what_messages_show(url, shown):
    assert masked(url) == shown


def test_a_secret_is_masked_in_a_long_address_too():
    assert "secret" not in masked("https://user:secret@x/" + "a" * 1000 + "?secret")
    assert "secret" not in masked("https://x/?" + "a" * 1000 + "secret")


def test_what_was_downloaded():
    assert is_downloaded(Path("results/downloads/model/a.onnx"))
    assert not is_downloaded(Path("models/a.onnx"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("s3://bucket/a.npz", True),
        ("https://host/a.npz", False),
        ("s3/a.npz", False),
        ("/s3://a", False),
        (None, False),
    ],
)
def test_files_in_a_bucket_are_known_by_their_scheme(text, expected):
    assert is_in_bucket(text) == expected
