"""What goes wrong with HTTP: what may pass, so that another try helps, and what does not."""

import http.client
import ssl
from collections.abc import Iterator
from contextlib import contextmanager

import requests
import urllib3

# RFC 9110, 15.5.9 and 15.6; RFC 8470; RFC 6585. Not 501 and 505, which stay.
PASSING_STATUS = {408, 425, 429, 500, 502, 503, 504}
PASSING_ERRORS = (
    TimeoutError,
    requests.ConnectionError,
    requests.Timeout,
    urllib3.exceptions.ProtocolError,
    urllib3.exceptions.TimeoutError,
)


class CannotFetch(Exception):
    """Why a file cannot be had, without its address, which may hold a password."""

    may_pass = False


class PassingFailure(CannotFetch):
    """What another try may mend, not before `wait` seconds."""

    may_pass = True

    def __init__(self, text: str, wait: float = 0.0) -> None:
        super().__init__(text)
        self.wait = wait


def failure_of_status(response: requests.Response) -> CannotFetch:
    """Return what an answer without a file means."""
    status = response.status_code
    text = f"HTTP {status} {http.client.responses.get(status, '')}".strip()
    if status not in PASSING_STATUS:
        return CannotFetch(text)
    try:
        wait = urllib3.Retry().get_retry_after(response.raw)
    except (urllib3.exceptions.InvalidHeader, ValueError, OverflowError):  # no number, no date
        wait = None
    return PassingFailure(text, wait or 0.0)


@contextmanager
def failures_of_libraries() -> Iterator[None]:
    """Turn what requests and urllib3 raise into CannotFetch."""
    try:
        yield
    except (*PASSING_ERRORS, requests.RequestException, urllib3.exceptions.HTTPError) as error:
        text, cause = _reason(error)
        is_refused = isinstance(cause, ssl.SSLCertVerificationError)
        may_pass = isinstance(error, PASSING_ERRORS) and not is_refused
        raise (PassingFailure if may_pass else CannotFetch)(text) from error


def _reason(error: BaseException) -> tuple[str, BaseException]:
    """Return what happened, and the exception of Python below those of the libraries."""
    text = type(error).__name__
    below: BaseException | None = error
    while below:
        error = below
        if isinstance(error, TimeoutError):
            text = "no answer in time"
        elif isinstance(error, OSError) and error.strerror:
            text = error.strerror
        elif isinstance(error, http.client.HTTPException):
            text = type(error).__name__
        below = error.__cause__ or error.__context__
    return text, error
