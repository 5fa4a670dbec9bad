"""A folder as a ZIP or TAR archive, of the same bytes each time."""

import gzip
import tarfile
import zipfile
from pathlib import Path

OLDEST = (1980, 1, 1, 0, 0, 0)  # date that a ZIP archive can hold
FILE, PROGRAM = 0o100644, 0o100755


def write_zip(folder: Path, path: Path) -> None:
    """Write a folder, under its own name, as a ZIP archive."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for file in _files(folder):
            info = zipfile.ZipInfo(str(file.relative_to(folder.parent)), OLDEST)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.create_system = 3  # Unix, whose modes these are
            info.external_attr = _mode(file) << 16
            archive.writestr(info, file.read_bytes())


def write_tar(folder: Path, path: Path) -> None:
    """Write a folder, under its own name, as a TAR archive compressed by gzip."""
    with (
        path.open("wb") as raw,
        gzip.GzipFile("", "wb", 9, raw, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive,
    ):
        for file in _files(folder):
            info = tarfile.TarInfo(str(file.relative_to(folder.parent)))
            info.size, info.mode = file.stat().st_size, _mode(file) & 0o777
            with file.open("rb") as content:
                archive.addfile(info, content)


def _files(folder: Path) -> list[Path]:
    return sorted(file for file in folder.rglob("*") if file.is_file())


def _mode(file: Path) -> int:
    return PROGRAM if file.suffix == ".py" else FILE
