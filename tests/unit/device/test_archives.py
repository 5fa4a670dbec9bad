"""Archives of the bundle."""

import os
import tarfile
import zipfile

import pytest
from ptq_comparison.device.archives import write_tar, write_zip


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "device_bundle"
    (folder / "models").mkdir(parents=True)
    (folder / "measure.py").write_text("print(1)\n")
    (folder / "models/fp32.onnx").write_bytes(b"\0" * 1000)
    return folder


@pytest.mark.parametrize("write", [write_zip, write_tar])
def test_the_same_files_make_the_same_bytes(folder, tmp_path, write):
    write(folder, tmp_path / "a")
    os.utime(folder / "measure.py", (1, 1))
    (folder / "measure.py").chmod(0o600)
    write(folder, tmp_path / "b")
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_both_hold_one_folder_with_the_files(folder, tmp_path):
    names = ["device_bundle/measure.py", "device_bundle/models/fp32.onnx"]
    write_zip(folder, tmp_path / "a.zip")
    write_tar(folder, tmp_path / "a.tar.gz")
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        assert archive.namelist() == names
        assert archive.read(names[1]) == b"\0" * 1000
        modes = [info.external_attr >> 16 & 0o777 for info in archive.infolist()]
    with tarfile.open(tmp_path / "a.tar.gz") as archive:
        assert archive.getnames() == names
        assert archive.extractfile(names[0]).read() == b"print(1)\n"
        assert [member.mode for member in archive] == modes == [0o755, 0o644]
