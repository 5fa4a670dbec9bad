"""Rule download, against a server on this machine."""

import hashlib
import http.server
import logging
import socket
import threading

import pytest
from ptq_comparison.common import fetch
from ptq_comparison.common.download import download
from ptq_comparison.common.errors import UserError

CONTENT = bytes(range(256)) * 1000


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    folder = tmp_path_factory.mktemp("served")
    (folder / "data.tar.gz").write_bytes(CONTENT)

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args):
            super().__init__(*args, directory=str(folder))

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/data.tar.gz"
        server.shutdown()


def test_download_checks_the_sum_and_tells_how_far_it_is(url, tmp_path, caplog):
    caplog.set_level(logging.INFO)
    output = tmp_path / "data.tar.gz"
    download(url, hashlib.sha256(CONTENT).hexdigest(), output, "dataset", "url")
    assert output.read_bytes() == CONTENT
    lines = [record.getMessage() for record in caplog.records]
    assert "downloading data.tar.gz: 256,000 of 256,000 B" in lines


def test_a_wrong_sum_leaves_nothing(url, tmp_path):
    with pytest.raises(UserError, match=r"dataset.sha256: .* is not the expected file"):
        download(url, "0" * 64, tmp_path / "data.tar.gz", "dataset", "url")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("missing", ["server", "file"])
def test_an_unreachable_url_names_the_remedy_and_leaves_nothing(
    url, tmp_path, monkeypatch, missing
):
    monkeypatch.setattr(fetch, "BACKOFF", 0.01)
    if missing == "server":
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            url = f"http://127.0.0.1:{free.getsockname()[1]}/data.tar.gz"
    else:
        url += ".missing"
    with pytest.raises(UserError, match=r"dataset.url: .* cannot be downloaded.*dataset.path"):
        download(url, None, tmp_path / "data.tar.gz", "dataset", "url")
    assert list(tmp_path.iterdir()) == []
