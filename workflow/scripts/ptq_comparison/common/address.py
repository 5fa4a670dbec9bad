"""Addresses of files in the web, and the files that rule download makes of them."""

import re
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from ptq_comparison.common.errors import UserError

# Sections of the configuration that may name a file in the web, and the key that does.
ADDRESS_KEYS = {"dataset": "url", "model": "source"}
DELETE = "delete it, since it is not downloaded again while it is there, and check model.source"
PLAIN_NAME = re.compile(r"[\w.+=@~,%!()' {}<>-]+")
# Snakemake would take what is between them for a wildcard, or for a variable.
PATTERN_SIGN = re.compile(r"[{}<>]")
# File systems allow 255 bytes, also for the log.
LONGEST_NAME = 200  # bytes
LONGEST_SHOWN = 200  # letters


def is_address(text: Any) -> bool:
    """Tell whether a value names a file in the web."""
    return isinstance(text, str) and text.startswith(("https://", "http://"))


def is_in_bucket(text: Any) -> bool:
    """Tell whether a value names a file or folder in S3, as s3://bucket/folder/file."""
    return isinstance(text, str) and text.startswith("s3://")


def file_of_address(url: str, key: str) -> str:
    """Name the file that an address leads to, without a query as in model.h5?download=1.

    It is the name of the host where the path is empty. Raises UserError, naming the config `key`,
    where there is no host, or no plain name, also after `%2F` and its like are replaced.
    """
    try:
        parts = urlsplit(url)
        host = parts.hostname if parts.port != 0 else None
    except ValueError:  # as of http://[ and of http://host:99999
        host = None
    if not host:
        raise UserError(
            f"{key}: {masked(url)} is no address; correct it, as in https://host/folder/file"
        )
    name = PATTERN_SIGN.sub(lambda sign: quote(sign[0]), Path(parts.path).name or host)
    plain = unquote(name)
    if not PLAIN_NAME.fullmatch(plain) or plain in (".", "..") or len(name.encode()) > LONGEST_NAME:
        raise UserError(
            f"{key}: {masked(url)} does not end in a plain name of a file (letters, digits, . _ - "
            f"and up to {LONGEST_NAME} bytes); correct the address, or give a file that you have"
        )
    return name


def masked(url: str) -> str:
    """Return an address as messages show it: in one line, without a password or a query.

    Both may be secret, as in `https://user:password@host/` and `?token=...`.
    """
    shown = without_password(re.split(r"[?#]", url)[0])
    printable = "".join(letter if letter.isprintable() else "?" for letter in shown)
    return printable if len(printable) <= LONGEST_SHOWN else f"{printable[:LONGEST_SHOWN]}…"


def without_password(text: str) -> str:
    """Return a text with *** in place of the user and the password of an address in it."""
    return re.sub(r"//[^/]*@", "//***@", text)


def is_downloaded(path: Path) -> bool:
    """Tell whether a file lies where rule download puts it, and is not fetched again."""
    return path.parent.match("results/downloads/*")
