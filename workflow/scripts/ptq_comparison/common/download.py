"""Download a file once, check it, and leave nothing half-written."""

from pathlib import Path

from ptq_comparison.common.address import masked
from ptq_comparison.common.errors import UserError
from ptq_comparison.common.fetch import fetch
from ptq_comparison.common.files import atomic_path, sha256_file
from ptq_comparison.common.http_failures import CannotFetch
from ptq_comparison.common.progress import Progress

REMEDIES = {
    "dataset": "set dataset.path to a folder or archive that you have",
    "model": "set model.source to a file that you have",
}


def download(url: str, sha256: str | None, output: Path, section: str, key: str) -> None:
    """Download `url` to `output`.

    `section` and `key` say where the config has the address. Raises UserError when the server does
    not give a file, gives a page (HTML) in its place, or the SHA-256 is another.
    """
    shown = masked(url)
    progress = Progress(f"downloading {output.name}", None, " B")
    with atomic_path(output) as temporary, progress:
        try:
            fetch(url, temporary, progress)
        except CannotFetch as error:
            remedy = "try again later" if error.may_pass else "correct the address"
            # None: what the libraries say holds the whole address, and the log is shown to others.
            raise UserError(
                f"{section}.{key}: {shown} cannot be downloaded ({error}); {remedy}; without a "
                f"network {REMEDIES[section]}, or place the file at {output}"
            ) from None
        if sha256 and (found := sha256_file(temporary)) != sha256:
            raise UserError(
                f"{section}.sha256: {shown} is not the expected file (its SHA-256 is {found} "
                f"instead of {sha256}); download it again, or correct the checksum"
            )
