"""Downloads from servers that fail for a while, break off, or send something else than a file."""

import gzip
import hashlib
import io
import itertools
import logging
import random
import socket
import ssl
import time
import traceback
from typing import NamedTuple

import pytest
import requests
from helpers.http_answers import answering, message, sending
from ptq_comparison.common import fetch
from ptq_comparison.common.download import download
from ptq_comparison.common.errors import UserError

CONTENT = random.Random(0).randbytes(100_000)
HALF = 40_000
MOST_BYTES = 1_000_000
VERSION = '"1"'
GOOD = sending(message(200, CONTENT))
DATES = [f"Wed, 01 Jan {year} 00:00:00 GMT" for year in (1999, 2200, 10**12, 10**30)]
MISSING = "cannot be downloaded (HTTP 404 Not Found); correct the address; without a network"


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr(fetch, "BACKOFF", 0.01)
    monkeypatch.setattr(fetch, "LONGEST_WAIT", 0.1)
    monkeypatch.setattr(fetch, "MOST_BYTES", MOST_BYTES)


def status(code, **headers):
    return sending(message(code, b"no", **headers))


def cut(at=HALF, **headers):
    """The right beginning of an answer."""
    whole = message(200, CONTENT, **headers)
    return sending(whole[: len(whole) - len(CONTENT) + at])


def ranges(content=CONTENT, version=VERSION, **changes):
    """A server that can go on where an answer broke off, in the same version of the file."""

    def answer(request):
        asked = request.get("Range")
        if not asked or request.get("If-Range") != version:
            return [message(200, content, ETag=version)]
        begin = int(asked.removeprefix("bytes=").removesuffix("-"))
        part = f"bytes {begin}-{len(content) - 1}/{len(content)}"
        headers = {"Content_Range": part, "ETag": version} | changes
        return [message(206, content[begin:], **headers)]

    return answer


def only_whole(request):
    return [message(404)] if "Range" in request else GOOD(request)


def chunked(*parts, end=b"0\r\n\r\n"):
    body = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts)
    return sending(message(200, Transfer_Encoding="chunked", Content_Length="") + body + end)


def drip(begin, rest):
    pieces = (piece for letter in rest for piece in (bytes([letter]), 0.05))
    return lambda request: itertools.chain([begin], pieces)


def forever():
    return itertools.repeat(b"a" * 1000)


class Case(NamedTuple):
    """Answers, and what is expected: a part of the error, or none where the file comes.

    `asked`: how often the server is asked.
    """

    answers: tuple
    error: str | None
    asked: int
    is_slow: bool = False


def recovers(*answers, asked=2):
    return Case((*answers, GOOD) if len(answers) == 1 else answers, None, asked)


def refused(error, *answers):
    """At once, without another try."""
    return Case(answers, error, len(answers))


def gives_up(error, *answers, is_slow=False):
    tries = 2 if is_slow else 4
    text = f"({error}; {tries} tries); try again later; without a network"
    return Case(answers, text, tries, is_slow)


CASES = {
    **{f"{code} once": recovers(status(code)) for code in (408, 425, 429, 500, 502, 503, 504)},
    **{
        f"Retry-After: {value[:40]}": recovers(status(503, Retry_After=value))
        for value in ("0", "1", "-1", "soon", "9" * 5000, *DATES)
    },
    "three failures of three kinds": recovers(status(500), cut(), sending(), GOOD, asked=4),
    "500 always": gives_up("HTTP 500 Internal Server Error", status(500)),
    "503 always": gives_up("HTTP 503 Service Unavailable", status(503, Retry_After="1")),
    "429 always": gives_up("HTTP 429 Too Many Requests", status(429)),
    "404": refused(MISSING, status(404)),
    **{f"{code}": refused(f"(HTTP {code} ", status(code)) for code in (400, 401, 403, 410, 416)},
    "status that nobody knows": refused("(HTTP 599)", status(599)),
    "status that is no number": gives_up("BadStatusLine", sending(b"HTTP/1.1 abc\r\n\r\n")),
    "204": refused("(HTTP 204 No Content)", status(204)),
    "206 that was not asked for": refused(
        "(HTTP 206 Partial Content)",
        sending(message(206, CONTENT, Content_Range="bytes 0-99999/100000")),
    ),
    "304": refused("(HTTP 304 Not Modified)", status(304)),
    "300 without an address": refused("(HTTP 300 Multiple Choices)", status(300)),
    # Bodies that break off
    "cut, and no resumption": recovers(cut(), only_whole),
    "cut, and resumed": recovers(cut(ETag=VERSION), ranges()),
    "cut, and resumed by the date": recovers(
        cut(Last_Modified="Wed, 01 Jan 2025 00:00:00 GMT"),
        ranges(version="Wed, 01 Jan 2025 00:00:00 GMT", ETag=""),
    ),
    "cut twice, and resumed": recovers(
        cut(ETag=VERSION),
        lambda request: [ranges()(request)[0][:-10_000]],
        ranges(),
        asked=3,
    ),
    "cut, and another version since": recovers(cut(ETag='"0"'), ranges()),
    "cut, and a shorter file since": recovers(
        sending(message(200, b"a" * 150_000, Content_Length="200000")), GOOD
    ),
    "cut, and a weak version": recovers(cut(ETag='W/"1"'), only_whole),
    "cut, and another part than was asked for": recovers(
        cut(ETag=VERSION), ranges(Content_Range="bytes 7-99999/100000"), asked=3
    ),
    "cut, and a part of another version": recovers(
        cut(ETag=VERSION), ranges(ETag='"2"'), GOOD, asked=3
    ),
    "cut, and several parts": recovers(
        cut(ETag=VERSION),
        ranges(Content_Range="", Content_Type="multipart/byteranges; boundary=x"),
        GOOD,
        asked=3,
    ),
    "cut, and shorter since": recovers(cut(ETag=VERSION), status(416), GOOD, asked=3),
    "cut always": gives_up("the end after 40,000 of 100,000 bytes", cut()),
    "reset always": gives_up("RemoteDisconnected", sending()),
    "chunks": recovers(chunked(CONTENT[:HALF], CONTENT[HALF:]), asked=1),
    "chunks that break off": recovers(chunked(CONTENT[:HALF], end=b"")),
    "chunk of no size": gives_up("IncompleteRead", chunked(CONTENT, end=b"xyz\r\n")),
    # Bodies of another length
    "empty": refused("the server sends an empty file", sending(message(200))),
    "empty without a length": refused(
        "the server sends an empty file", sending(message(200, Content_Length=""))
    ),
    "no length": recovers(sending(message(200, CONTENT, Content_Length="")), asked=1),
    "longer than announced": refused(
        "more than the 99,990 bytes that the server announced",
        sending(message(200, CONTENT, Content_Length="99990")),
    ),
    "without an end": refused(
        "more than the 1,000,000 bytes that are taken",
        lambda request: itertools.chain([message(200, Content_Length="")], forever()),
    ),
    "too large": refused(
        "(9,000,000,000 bytes, of which up to 1,000,000 are taken)",
        sending(message(200, CONTENT, Content_Length="9000000000")),
    ),
    "shorter than announced": gives_up(
        "the end after 100,000 of 100,010 bytes",
        sending(message(200, CONTENT, Content_Length="100010")),
    ),
    "two lengths": refused(
        "(InvalidHeader)", sending(message(200, CONTENT, Content_Length="5, 6"))
    ),
    **{
        f"length {value[:10]}": recovers(
            sending(message(200, CONTENT, Content_Length=value)), asked=1
        )
        for value in ("-1", "many", "9" * 5000)
    },
    # Slow servers
    "no answer": gives_up("no answer in time", sending(1.0), is_slow=True),
    "stands still in the body": gives_up(
        "no answer in time", lambda request: [*cut()(request), 1.0], is_slow=True
    ),
    "a body letter by letter": gives_up(
        "slower than 1000 bytes per second",
        drip(message(200, b"a" * 40)[:-40], b"a" * 40),
        is_slow=True,
    ),
    "a header letter by letter": gives_up(
        "no answer in time", drip(b"HTTP/1.1 200 OK\r\nA: ", b"a" * 40), is_slow=True
    ),
    "a header without an end": gives_up("LineTooLong", lambda request: forever()),
    "a thousand lines of header": gives_up(
        "HTTPException", sending(message(200, CONTENT, **{f"X_{i}": "1" for i in range(1000)}))
    ),
    # Something else than a file
    "page": refused(
        "the server sends a page (HTML)",
        sending(message(200, CONTENT, Content_Type="text/HTML; charset=utf-8")),
    ),
    **{
        f"page that begins with {start!r}": refused(
            "the server sends a page (HTML)",
            sending(message(200, start + b" lang=de>...", Content_Type="application/octet-stream")),
        )
        for start in (b"<!DOCTYPE html", b"<html", b"\xef\xbb\xbf\r\n <!doctype HTML", b"\n\n<HTML")
    },
    "compressed, though not asked for": refused(
        "compressed, which was not asked for",
        sending(message(200, gzip.compress(CONTENT), Content_Encoding="gzip")),
    ),
    "not HTTP": gives_up("BadStatusLine", sending(b"220 ftp ready\r\n")),
    # Redirects
    "redirect": recovers(sending(message(302, b"a" * 9, Location="/other")), GOOD),
    "redirects in a circle": Case(
        (sending(message(301, Location="/model.onnx")),), "(more than 10 redirects)", 10
    ),
    **{
        f"redirect to {target}": refused(
            f"redirect to {target}; allowed: http, https)", sending(message(307, Location=target))
        )
        for target in (
            "file:///etc/passwd",
            "ftp://127.0.0.1/a",
            "data:,abc",
            "javascript:1",
            "gopher:a",
        )
    },
    "redirect to a broken address": refused(
        "redirect to http://[; allowed: http, https)", status(302, Location="http://[")
    ),
    "redirect to no host": refused("(InvalidURL)", status(302, Location="http://*.example/")),
}


def attempt(url, folder, sha256=None, name="model.onnx"):
    """Download into `folder`; return the error, if there is one, and None if the file is right."""
    try:
        download(url, sha256, folder / name, "model", "source")
    except UserError as error:
        assert list(folder.iterdir()) == []
        return str(error)
    assert [path.name for path in folder.iterdir()] == [name]
    assert (folder / name).read_bytes() == CONTENT
    return None


@pytest.mark.parametrize("name", CASES)
def test_a_server_in_a_bad_state(name, tmp_path, monkeypatch, tally):
    case = CASES[name]
    if case.is_slow:
        for constant, value in {"TRIES": 2, "TIMEOUT": 0.3, "SPEED_WINDOW": 0.5}.items():
            monkeypatch.setattr(fetch, constant, value)
    sha256 = hashlib.sha256(CONTENT).hexdigest() if case.error is None else None
    with answering(*case.answers) as server:
        begin = time.monotonic()
        survived = False
        try:
            error = attempt(f"{server.url}/model.onnx", tmp_path, sha256)
            survived = error is None or len(error.splitlines()) == 1
        finally:
            tally("downloads", 1, survived)
        assert time.monotonic() - begin < 5
        assert len(server.requests) == case.asked
    if case.error is None:
        assert error is None
    else:
        assert case.error in error and error.startswith(f"model.source: {server.url}/model.onnx ")
        assert error.endswith(f"or place the file at {tmp_path / 'model.onnx'}")


def test_only_the_rest_is_asked_for(tmp_path):
    with answering(cut(ETag=VERSION), ranges()) as server:
        assert attempt(f"{server.url}/a", tmp_path, name="model.onnx") is None
    first, second = server.requests
    assert "Range" not in first and first["Accept-Encoding"] == "identity"
    assert (second["Range"], second["If-Range"]) == ("bytes=40000-", VERSION)


def test_an_archive_is_kept_as_the_server_stores_it(tmp_path):
    """Many servers call a .tar.gz encoded; to decode it would give another file, and sum."""
    archive = gzip.compress(CONTENT)
    output = tmp_path / "data.tar.gz"
    with answering(sending(message(200, archive, Content_Encoding="x-gzip"))) as server:
        download(f"{server.url}/data.tar.gz", None, output, "dataset", "url")
    assert output.read_bytes() == archive


def test_the_body_of_a_redirect_is_not_read(tmp_path):
    """It may have no end."""

    def redirect(request):
        yield message(302, Location="/b", Content_Length="")
        yield from forever()

    with answering(redirect, GOOD) as server:
        assert attempt(f"{server.url}/a", tmp_path) is None
    assert [request[""] for request in server.requests] == ["GET /a HTTP/1.1", "GET /b HTTP/1.1"]


def test_no_redirect_leads_from_https_to_http(tmp_path, monkeypatch):
    answer = requests.Response()
    answer.raw = io.BytesIO()
    answer.status_code, answer.headers["Location"] = 302, "http://user:secret@other/a?b"
    monkeypatch.setattr(fetch._Transfer, "_ask", lambda *_: answer)
    error = attempt("https://127.0.0.1/m", tmp_path)
    assert "(redirect to http://***@other/a; allowed: https)" in error


def test_a_certificate_that_is_not_valid_is_no_passing_failure(tmp_path, monkeypatch):
    def refuse(*_):
        try:
            raise ssl.SSLCertVerificationError(1, "certificate verify failed")
        except ssl.SSLError as error:
            raise requests.exceptions.SSLError("for /m?token=secret") from error

    monkeypatch.setattr(fetch._Transfer, "_ask", refuse)
    error = attempt("https://127.0.0.1/m", tmp_path)
    assert "(certificate verify failed); correct the address" in error


@pytest.mark.parametrize("answer", [GOOD, status(404), status(503), cut(), sending()])
def test_a_password_stays_secret(answer, tmp_path, caplog):
    """In all that may be read by others: the line, and the log, which has the traceback."""
    caplog.set_level(logging.INFO)
    with answering(answer) as server:
        url = f"{server.url.replace('//', '//user:hunter2@')}/a?token=hunter2#hunter2"
        try:
            download(url, "0" * 64, tmp_path / "a", "model", "source")
        except UserError:
            written = traceback.format_exc() + caplog.text
        else:
            raise AssertionError("downloaded another file")
    assert server.requests[0]["Authorization"].startswith("Basic ")
    assert "token=hunter2" in server.requests[0][""]
    assert "http://***@127.0.0.1" in written and "hunter2" not in written


def test_nothing_to_connect_to(tmp_path, tally):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        error = attempt(f"http://127.0.0.1:{free.getsockname()[1]}/m", tmp_path)
    tally("downloads", 1, 1)
    assert "(Connection refused; 4 tries); try again later" in error
    error = attempt(f"http://{'a' * 64}.example/m", tmp_path)  # DNS allows 63
    tally("downloads", 1, 1)
    assert "(LocationParseError); correct the address" in error


def test_retry_after_is_waited_for_up_to_a_bound(tmp_path, monkeypatch):
    slept: list[float] = []
    monkeypatch.setattr(fetch.time, "sleep", slept.append)
    monkeypatch.setattr(fetch, "LONGEST_WAIT", 60.0)
    answers = [status(503, Retry_After=value) for value in ("7", "3600", "soon")]
    with answering(*answers, GOOD) as server:
        assert attempt(f"{server.url}/m", tmp_path) is None
    assert slept == [7, 60, 0.04]
