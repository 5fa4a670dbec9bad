"""Where the repository and real data are."""

import os
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
# Real CIFAR-10 images and published weights, which may not be shipped.
SHARED_DATA = Path(os.environ.get("SHARED_DATA", REPOSITORY.parent / "shared" / "data"))
