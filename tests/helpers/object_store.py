"""An S3 server on this machine: moto's, which .venv-cluster has and .venv does not."""

import contextlib
import subprocess
from collections.abc import Iterator
from pathlib import Path

from helpers.paths import REPOSITORY

CLUSTER_PYTHON = REPOSITORY / ".venv-cluster/bin/python"
# The port is printed once the server listens.
SERVER = """\
import sys
from moto.moto_server.threaded_moto_server import ThreadedMotoServer
server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
print(server.get_host_and_port()[1], flush=True)
sys.stdin.read()
"""
COPY = """\
import sys
from pathlib import Path
import boto3
address, folder, bucket, order = sys.argv[1:]
folder, s3 = Path(folder), boto3.resource("s3", endpoint_url=address, region_name="us-east-1")
if order == "upload":
    s3.create_bucket(Bucket=bucket)
    for path in filter(Path.is_file, folder.rglob("*")):
        s3.Object(bucket, str(path.relative_to(folder))).upload_file(str(path))
else:
    for found in s3.Bucket(bucket).objects.all():
        path = folder / found.key
        path.parent.mkdir(parents=True, exist_ok=True)
        found.Object().download_file(str(path))
"""


class ObjectStore:
    """A server and what its clients have in their environment."""

    def __init__(self, port: int) -> None:
        self.address = f"http://127.0.0.1:{port}"
        keys = {"ACCESS_KEY": "any", "SECRET_KEY": "any", "ENDPOINT_URL": self.address}
        self.environment = {f"SNAKEMAKE_STORAGE_S3_{key}": value for key, value in keys.items()}
        self.environment |= {"AWS_ACCESS_KEY_ID": "any", "AWS_SECRET_ACCESS_KEY": "any"}

    def upload(self, folder: Path, bucket: str) -> None:
        """Make a bucket of the files in a folder."""
        self._copy(folder, bucket, "upload")

    def download(self, bucket: str, folder: Path) -> None:
        self._copy(folder, bucket, "download")

    def _copy(self, folder: Path, bucket: str, order: str) -> None:
        command = [CLUSTER_PYTHON, "-c", COPY, self.address, folder, bucket, order]
        subprocess.run(command, env=self.environment, check=True)


@contextlib.contextmanager
def object_store() -> Iterator[ObjectStore]:
    """Run an empty server."""
    process = subprocess.Popen(
        [CLUSTER_PYTHON, "-c", SERVER],
        stdin=subprocess.PIPE,  # it ends when this process does
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        yield ObjectStore(int(process.stdout.readline()))
    finally:
        process.stdin.close()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
