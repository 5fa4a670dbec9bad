"""Disks that are full, read-only or limited: one line, and the same command goes on."""

import os
import resource
import shutil
import subprocess

import pytest
from helpers import REPOSITORY, snakemake_command
from helpers.faulty_runs import differences, half_written, output, own_lines, start

IN_NAMESPACE = ["unshare", "--map-root-user", "--mount", "bash", "-euc"]
# Run on a disk of a size, then make room and run again; what it makes is copied out of the mount.
# The last two arguments, "-- all", are no part of the command that unlocks.
FILL = """
mount -t tmpfs -o size=$SIZE tmpfs "$FOLDER"
"$@" > "$LOG" 2>&1 && echo whole >> "$LOG" || echo failed >> "$LOG"
mount -o remount,size=200m "$FOLDER"
"${@:1:$#-2}" --unlock >> "$LOG.unlock" 2>&1
"$@" > "$LOG.again" 2>&1
cp -a "$FOLDER/results" "$COPY"
"""
READ_ONLY = """
mount -t tmpfs tmpfs "$FOLDER"
mkdir "$FOLDER/results"
mount -t tmpfs -o ro tmpfs "$FOLDER/$PLACE"
"$@"
"""

needs_mount = pytest.mark.skipif(
    shutil.which("unshare") is None
    or subprocess.run([*IN_NAMESPACE, "mount -t tmpfs tmpfs /mnt"], capture_output=True).returncode,
    reason="needs Linux with user namespaces",
)


def in_namespace(script, folder, command, **environment):
    return subprocess.run(
        [*IN_NAMESPACE, script, "bash", *command],
        cwd=REPOSITORY,
        env={**os.environ, "FOLDER": str(folder), **environment},
        capture_output=True,
        text=True,
    )


def fill(size, tiny, tiny_run, tmp_path):
    """Return whether the disk was too small, and what the run said."""
    folder, copy, log = tmp_path / "run", tmp_path / "copy", tmp_path / "run.txt"
    folder.mkdir()
    copy.mkdir()
    command = snakemake_command(folder, "all", configfiles=(tiny / "config.yaml",))
    result = in_namespace(FILL, folder, command, SIZE=f"{size}k", COPY=str(copy), LOG=str(log))
    assert result.returncode == 0, result.stderr + (tmp_path / "run.txt.again").read_text()
    assert differences(copy, tiny_run) == [] and half_written(copy) == []
    text = log.read_text()
    return text.endswith("failed\n"), text


def check(size, tiny, tiny_run, tmp_path, tally):
    failed, text = fill(size, tiny, tiny_run, tmp_path)
    lines = own_lines(text)
    assert failed == bool(lines), text
    assert all("no space left (disk full)" in line or "messages above" in line for line in lines), (
        text
    )
    assert "Bus error" not in text
    tally("full disk, then room and the same command", 1, 1)
    return failed


@needs_mount
def test_a_full_disk_is_one_line_and_the_run_goes_on(tiny, tiny_run, tmp_path, tally):
    assert check(200, tiny, tiny_run, tmp_path, tally)


@needs_mount
@pytest.mark.soak
@pytest.mark.parametrize("size", [60, 100, 140, 260, 340, 450, 600, 800, 1000, 3000])
def test_full_disks_of_ten_sizes(size, tiny, tiny_run, tmp_path, tally):
    assert check(size, tiny, tiny_run, tmp_path, tally) == (size < 3000)


@needs_mount
@pytest.mark.parametrize("place", ["results", "."])
def test_a_read_only_folder_is_one_line(place, tiny, tmp_path, tally):
    folder = tmp_path / "run"
    folder.mkdir()
    command = snakemake_command(folder, "all", configfiles=(tiny / "config.yaml",))
    result = in_namespace(READ_ONLY, folder, command, PLACE=place)
    (line,) = own_lines(result.stderr + result.stdout)
    assert result.returncode == 1 and "Traceback" not in result.stderr
    assert line.startswith(f"error: {folder / place}: cannot be written to; run in a folder that")
    tally("read-only folder", 1, 1)


@pytest.mark.soak
@pytest.mark.parametrize("kilobytes", [32, 64, 200])
def test_a_limit_of_file_sizes(kilobytes, tiny, tiny_run, tmp_path, tally):
    """Then the same command without it."""
    folder, config = tmp_path / "run", tiny / "config.yaml"
    folder.mkdir()

    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (1024 * kilobytes, resource.RLIM_INFINITY))

    process = start(folder, "all", configfiles=(config,), limit=limit)
    assert process.wait() == 1
    lines = own_lines(output(folder))
    assert lines and all("no space left (file size limit: ulimit -f)" in line for line in lines)
    again = start(folder, "all", configfiles=(config,))
    assert again.wait() == 0, output(folder)
    assert differences(folder, tiny_run) == [] and half_written(folder) == []
    tally("limit of file sizes, then the same command without it", 1, 1)
