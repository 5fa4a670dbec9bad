"""Fetch a file once, check its checksum, and leave nothing half-written."""

from pathlib import Path
from typing import TextIO

from ptq_comparison.common.errors import UserError
from ptq_comparison.common.files import atomic_path

DELETE = "delete it, since it is not downloaded again while it is there, and check model.source"
TIMEOUT = 30  # seconds without an answer, or between two pieces of it
REMEDIES = {
    "dataset": "set dataset.path to a folder or archive that you have",
    "model": "set model.source to a file that you have",
}


def download(
    url: str, sha256: str | None, output: Path, section: str, key: str, terminal: TextIO
) -> None:
    """Download `url` to `output`, with a bar where `terminal` really is one.

    `section` and `key` say where the config has the address. Raises UserError when the server
    cannot be reached or the SHA-256 is another.
    """
    # Here, since all that read a model import this module, and few download.
    import pooch
    import requests

    from ptq_comparison.common.progress import Progress

    # pooch sets the total, but asks for the bar's truth value before, which needs one.
    progress = Progress(f"downloading {output.name}", 1, terminal, " B", unit_scale=True)
    with atomic_path(output) as temporary, progress:
        try:
            pooch.retrieve(
                url,
                known_hash=sha256 and f"sha256:{sha256}",
                fname=temporary.name,
                path=temporary.parent,
                downloader=pooch.HTTPDownloader(progressbar=progress, timeout=TIMEOUT),
            )
        except requests.RequestException as error:
            raise UserError(
                f"{section}.{key}: {url} cannot be downloaded ({type(error).__name__}); without a "
                f"network {REMEDIES[section]}, or place the file at {output}"
            ) from error
        except ValueError as error:  # pooch has removed the file already
            raise UserError(
                f"{section}.sha256: {url} is not the expected file ({error}); "
                "download it again, or correct the checksum"
            ) from error


def is_downloaded(path: Path) -> bool:
    """Tell whether a file lies where rule download puts it, and is not fetched again."""
    return path.parent.match("results/downloads/*")
