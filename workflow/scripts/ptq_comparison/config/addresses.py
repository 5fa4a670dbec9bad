"""Addresses of files in the web, and the names that the files get here."""

from pathlib import PurePosixPath
from typing import Any
from urllib.parse import urlsplit

# Sections of the configuration that may name a file in the web, and the key that does.
ADDRESS_KEYS = {"dataset": "url", "model": "source"}
# Of bytes: a file system takes 255, and the names of logs and temporary files are longer.
MAX_NAME = 200
BRACES = {"{", "}"}  # Snakemake takes what is between them for a wildcard


def is_address(text: Any) -> bool:
    """Tell whether a value names a file in the web."""
    return isinstance(text, str) and text.startswith(("https://", "http://"))


def file_of_address(address: str) -> str:
    """Name the file that an address leads to, without a query as in model.h5?download=1."""
    parts = urlsplit(address)
    return PurePosixPath(parts.path).name or parts.netloc


def address_error(address: str) -> str | None:
    """Return what is wrong with an address, and the remedy; None for one that can be asked for."""
    try:
        parts = urlsplit(address)
        # `port` is read for its ValueError.
        is_complete = bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_complete = False
    if not is_complete:
        return "is no address; correct it, as in https://host/folder/file"
    name = file_of_address(address)
    if name == ".." or BRACES.intersection(name) or len(name.encode()) > MAX_NAME:
        return (
            f"ends in no name of a file of at most {MAX_NAME} bytes without braces; download the "
            "file, and give its path"
        )
    return None
