"""A file over HTTP, from servers that fail for a while, break off, or send something else.

requests does the talking. Tries and resumption are here, since urllib3's `Retry` does not cover a
body that breaks off, and redirects, since requests would also follow them from https to http.
"""

import logging
import re
import time
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path
from threading import Thread
from typing import Any, BinaryIO
from urllib.parse import urljoin, urlsplit

import requests

from ptq_comparison.common.address import masked
from ptq_comparison.common.http_failures import (
    CannotFetch,
    PassingFailure,
    failure_of_status,
    failures_of_libraries,
)
from ptq_comparison.common.progress import Progress

TRIES = 4
TIMEOUT = 30.0  # seconds without a byte
BACKOFF = 1.0  # seconds before the second try; doubled before each further one
LONGEST_WAIT = 60.0  # seconds before a further try, whatever Retry-After asks for
LEAST_SPEED = 1000.0  # bytes per second ...
SPEED_WINDOW = 60.0  # ... on average over so many seconds, which are also allowed for the header
MOST_BYTES = 4_000_000_000  # of a file; ONNX, in the form of protobuf, has up to 2 GB
REDIRECTS = 10
PIECE = 1 << 16  # bytes
PAGES = ("text/html", "application/xhtml+xml")
PAGE_START = re.compile(rb"(\xef\xbb\xbf)?\s*<(!doctype html|html)", re.IGNORECASE)
PAGE = "the server sends a page (HTML), not a file"


def fetch(url: str, path: Path, progress: Progress) -> None:
    """Write the file behind an address of http or https to `path`.

    What may pass is tried again, `TRIES` times in all. A body that breaks off goes on where it
    ended, if the server can do so and still has the same file (RFC 9110, 13.1.5 and 14), and from
    the start otherwise. Raises CannotFetch, with what happened at the last try.
    """
    with _Session() as session, path.open("w+b") as file:
        # The sum is that of the file without an encoding. Nothing else is asked of the server.
        session.headers.update({"Accept-Encoding": "identity", "Connection": "close"})
        transfer = _Transfer(session, file, progress)
        for tried in range(1, TRIES + 1):
            try:
                with failures_of_libraries():
                    transfer.attempt(url)
                break
            except PassingFailure as error:
                if tried == TRIES:
                    raise PassingFailure(f"{error}; {TRIES} tries") from error
                wait = min(max(error.wait, BACKOFF * 2 ** (tried - 1)), LONGEST_WAIT)
                logging.warning("try %d of %d: %s; next in %.0f s", tried, TRIES, error, wait)
                time.sleep(wait)
        file.seek(0)
        start = file.read(1000)
    if not start:
        raise CannotFetch("the server sends an empty file")
    if PAGE_START.match(start):
        raise CannotFetch(PAGE)


class _Session(requests.Session):
    """Without redirects. It would read the body of each to its end, if it has one."""

    def resolve_redirects(self, *_: Any, **__: Any) -> Iterator[requests.Response]:  # type: ignore[override]
        return iter(())


class _Transfer:
    """What is in the file already, and which version of the server's file it is of."""

    def __init__(self, session: requests.Session, file: BinaryIO, progress: Progress) -> None:
        self.session, self.file, self.progress = session, file, progress
        self.version = ""  # ETag or date; without one, another try begins at the start

    def attempt(self, url: str) -> None:
        """Ask once, for the rest if there is a beginning. Raises CannotFetch."""
        begin = self.file.tell() if self.version else 0
        headers = {"Range": f"bytes={begin}-", "If-Range": self.version} if begin else {}
        with self._follow(url, headers) as response:
            begin, total = self._place(response, begin)
            if total is not None and total > MOST_BYTES:
                raise CannotFetch(f"{total:,} bytes, of which up to {MOST_BYTES:,} are taken")
            _refuse_other_content(response, self.file.name)
            self.file.seek(begin)
            self.file.truncate()
            self.progress.total = total
            self.progress.reset()
            self.progress.update(begin)
            self._receive(response, total)

    def _follow(self, url: str, headers: dict[str, str]) -> requests.Response:
        """Return the answer after redirects, none of which leads away from https."""
        for _ in range(REDIRECTS):
            response = self._ask(url, headers)
            target = self.session.get_redirect_target(response)
            if target is None:
                return response
            response.close()
            allowed = ["https"] if url.startswith("https:") else ["http", "https"]
            try:
                url = urljoin(url, target)
                scheme = urlsplit(url).scheme
            except ValueError:  # as of http://[
                scheme = ""
            if scheme not in allowed:
                raise CannotFetch(f"redirect to {masked(target)}; allowed: {', '.join(allowed)}")
        raise CannotFetch(f"more than {REDIRECTS} redirects")

    def _ask(self, url: str, headers: dict[str, str]) -> requests.Response:
        """Return an answer whose body is not read yet."""
        answer: Future[requests.Response] = Future()

        def ask() -> None:
            try:
                answer.set_result(
                    self.session.get(url, headers=headers, stream=True, timeout=TIMEOUT)
                )
            except Exception as error:
                answer.set_exception(error)

        # A header that comes letter by letter exceeds no timeout: the thread is left behind then.
        Thread(target=ask, daemon=True).start()
        return answer.result(timeout=SPEED_WINDOW)

    def _place(self, response: requests.Response, begin: int) -> tuple[int, int | None]:
        """Return where the body belongs, and the size of the whole file if the server tells it."""
        if response.status_code == 200:
            self.version = _version(response)
            length = response.headers.get("Content-Length", "")
            return 0, int(length) if re.fullmatch("[0-9]{1,18}", length) else None
        if begin and response.status_code in (206, 416):
            part = response.headers.get("Content-Range", "")
            found = re.fullmatch(r"bytes (\d{1,18})-\d+/(\d{1,18})", part)
            if found and int(found[1]) == begin and _version(response) in ("", self.version):
                return begin, int(found[2])
            self.version = ""
            raise PassingFailure("the server does not go on where the file broke off")
        raise failure_of_status(response)

    def _receive(self, response: requests.Response, total: int | None) -> None:
        """Write the body. Raises CannotFetch if it is slow, or not of the `total` size."""
        # Both would compare the length. http.client ends a longer body without a word.
        response.raw.enforce_content_length = False
        response.raw._original_response.length = None
        most = MOST_BYTES if total is None else total
        begin, count = time.monotonic(), 0
        while piece := response.raw.read1(PIECE, decode_content=False):
            self.file.write(piece)
            self.progress.update(len(piece))
            if self.file.tell() > most:
                expected = "are taken" if total is None else "the server announced"
                raise CannotFetch(f"more than the {most:,} bytes that {expected}")
            count += len(piece)
            seconds = time.monotonic() - begin
            if seconds > SPEED_WINDOW:
                if count < LEAST_SPEED * seconds:
                    raise PassingFailure(f"slower than {LEAST_SPEED:.0f} bytes per second")
                begin, count = time.monotonic(), 0
        if total is not None and self.file.tell() < total:
            raise PassingFailure(f"the end after {self.file.tell():,} of {total:,} bytes")


def _version(response: requests.Response) -> str:
    """Return what If-Range may name: a strong ETag or else the date; "" if there is none."""
    tag: str = response.headers.get("ETag", "")
    return tag if tag.startswith('"') else response.headers.get("Last-Modified", "")


def _refuse_other_content(response: requests.Response, name: str) -> None:
    """Raise CannotFetch for a page, or for a body that is not the bytes of the file."""
    kind, _, _ = response.headers.get("Content-Type", "").partition(";")
    if kind.strip().lower() in PAGES:
        raise CannotFetch(PAGE)
    encoding = response.headers.get("Content-Encoding", "identity").strip().lower()
    # Many servers call a .tar.gz encoded, and send it as it is stored.
    if encoding != "identity" and not ("gzip" in encoding and name.endswith((".gz", ".tgz"))):
        raise CannotFetch("the server sends the file compressed, which was not asked for")
