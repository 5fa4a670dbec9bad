"""Rule download: a model from an address, whose sum is checked also when it was placed by hand."""

import functools
import hashlib
import http.server
import json
import threading

import pytest
from helpers import overlay, run_snakemake


@pytest.fixture
def address(tiny):
    """The address of the tiny model on a server of this machine, and the requests it got."""
    requests = []

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *arguments):
            requests.append(arguments)

    handler = functools.partial(Handler, directory=str(tiny))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/model.onnx", requests
        server.shutdown()


def test_a_model_is_downloaded_once_and_its_sum_checked(tiny, tmp_path, address):
    url, requests = address
    sha256 = hashlib.sha256((tiny / "model.onnx").read_bytes()).hexdigest()
    source = f"{url}?download=1#readme"  # the server does not care, and the file has a plain name
    own = overlay(tmp_path / "own.yaml", {"model": {"source": source, "sha256": sha256}})
    target = "results/fp32_eval.json"
    result = run_snakemake(tmp_path, target, configfiles=(tiny / "config.yaml", own))
    assert result.returncode == 0, result.stdout
    evaluation = json.loads((tmp_path / target).read_text())
    assert evaluation["model"]["sha256"] == sha256
    assert (tmp_path / "results/downloads/model/model.onnx").is_file()
    asked = len(requests)
    assert asked >= 1
    result = run_snakemake(tmp_path, target, configfiles=(tiny / "config.yaml", own))
    assert "Nothing to be done" in result.stdout and len(requests) == asked


def test_another_file_than_expected_is_refused(tiny, tmp_path, address):
    url, _ = address
    own = overlay(tmp_path / "own.yaml", {"model": {"source": url, "sha256": "0" * 64}})
    files = (tiny / "config.yaml", own)
    target = "results/models/fp32.onnx"
    result = run_snakemake(tmp_path, target, configfiles=files)
    assert result.returncode != 0
    assert f"error: download: model.sha256: {url} is not the expected file" in result.stdout
    placed = tmp_path / "results/downloads/model/model.onnx"
    assert not placed.exists()
    placed.parent.mkdir(parents=True, exist_ok=True)  # Snakemake removes what a failed job leaves
    placed.write_bytes((tiny / "model.onnx").read_bytes())
    result = run_snakemake(tmp_path, target, configfiles=files)
    assert result.returncode != 0
    assert "model.sha256: results/downloads/model/model.onnx has" in result.stdout
    assert not (tmp_path / target).exists()


def test_something_else_than_a_model_is_to_be_deleted(tiny, tmp_path, address):
    """Without a sum nobody notices before, and later runs take the file that is there."""
    url, _ = address
    source = url.replace("model.onnx", "config.yaml")
    own = overlay(tmp_path / "own.yaml", {"model": {"source": source}})
    target = "results/models/fp32.onnx"
    result = run_snakemake(tmp_path, target, configfiles=(tiny / "config.yaml", own))
    assert result.returncode != 0
    (line,) = {line for line in result.stdout.splitlines() if line.startswith("error: ")}
    assert "not a valid ONNX model" in line and "; delete it, since it is not downloaded" in line


def test_a_password_in_the_address_is_shown_nowhere(tiny, tmp_path, address):
    """Neither where the download fails, nor where Snakemake tells that the address has changed."""
    url, _ = address
    target = "results/models/fp32.onnx"
    shown = ""
    for name, password in (
        ("none", "hunter1"),
        ("model.onnx", "hunter2"),
        ("model.onnx", "hunter"),
    ):
        source = url.replace("//", f"//user:{password}@").replace("model.onnx", name)
        own = overlay(tmp_path / "own.yaml", {"model": {"source": source}})
        shown += run_snakemake(tmp_path, target, configfiles=(tiny / "config.yaml", own)).stdout
    assert "model.source: http://***@127.0.0.1" in shown and "(HTTP 404 Not Found)" in shown
    assert shown.count("Params have changed") >= 1
    own.unlink()
    kept = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert any(path.parent.name == "log" for path in kept)
    written = [path.name for path in kept if b"hunter" in path.read_bytes()]
    assert written == [] and "hunter" not in shown


@pytest.mark.parametrize(
    ("source", "error"),
    [
        (
            "https://user:hunter2@x/a/..",
            "https://***@x/a/.. does not end in a plain name of a file",
        ),
        ("ftp://user:hunter2@x/a.onnx", "ftp://***@x/a.onnx: no such file"),
    ],
)
def test_an_address_that_cannot_work_is_refused_before_any_job(tiny, tmp_path, source, error):
    own = overlay(tmp_path / "own.yaml", {"model": {"source": source}})
    result = run_snakemake(tmp_path, "all", configfiles=(tiny / "config.yaml", own))
    assert result.returncode != 0 and "hunter2" not in result.stdout
    assert f"error: config: model.source: {error}" in result.stdout
