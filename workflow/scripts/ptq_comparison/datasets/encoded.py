"""Where encoded images are: whole files, pieces of larger files, or rows of a table.

As a plain NumPy array, so that a data set of any size can be stored by them and memory-mapped.
"""

import os
from array import array
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from ptq_comparison.common.errors import UserError
from ptq_comparison.common.files import check_is_file

# Values of `offset` that are none.
WHOLE = -1  # the whole file; `length` is its size
ROW = -2  # of a Parquet file; `length` is the number of the row in the file
AGAIN = "delete results/dataset and run again"


class References:
    """Where N encoded images are: `rows` has the fields file (bytes), offset, length (int64).

    `file` is `os.fsencode` of the path, relative to the working folder or absolute. From `offset`
    on, the image is `length` bytes long; `WHOLE` and `ROW` stand for other places.
    """

    def __init__(self, rows: np.ndarray) -> None:
        self.rows = rows

    @classmethod
    def of(cls, places: Iterable[tuple[Path | str, int, int]]) -> "References":
        """Make references from file, offset and length of each image."""
        files: list[bytes] = []
        numbers = array("q")  # not as objects: there may be a million images
        for file, offset, length in places:
            files.append(os.fsencode(file))
            numbers.extend((offset, length))
        longest = max(map(len, files), default=1)
        kind = [("file", f"S{longest}"), ("offset", np.int64), ("length", np.int64)]
        rows = np.empty(len(files), kind)
        rows["file"] = files
        rows["offset"], rows["length"] = np.array(numbers, np.int64).reshape(-1, 2).T
        return cls(rows)

    @classmethod
    def of_files(cls, files: Sequence[Path | str]) -> "References":
        """Make references to whole files. Raises UserError for what is no ordinary file."""
        return cls.of((file, WHOLE, check_is_file(Path(file))) for file in files)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: slice | np.ndarray) -> "References":
        return References(self.rows[index])

    def read(self, index: int) -> bytes:
        """Return the bytes of an encoded image. Raises UserError when its file has changed."""
        file, offset, length = self.rows[index].tolist()
        if offset == ROW:
            from ptq_comparison.datasets.parquet_rows import read_row

            return read_row(Path(os.fsdecode(file)), length)
        try:
            # It was an ordinary file. Nobody waits for what has become a FIFO, which is then empty.
            number = os.open(file, os.O_RDONLY | os.O_NONBLOCK)
            with open(number, "rb", buffering=0) as stream:
                if offset != WHOLE:
                    stream.seek(offset)
                # One byte more, of a file that has grown.
                content = stream.read(length + (offset == WHOLE))
        except OSError as error:
            raise UserError(
                f"{self.name(index)}: cannot be read ({error.strerror}); {AGAIN}"
            ) from error
        if len(content) != length:
            raise UserError(f"{self.name(index)}: has changed since the data set was read; {AGAIN}")
        return content

    def size(self, index: int) -> int:
        """Return how many bytes `read` will return; 0 for a row of a table, which it tells of."""
        row = self.rows[index]
        return 0 if row["offset"] == ROW else int(row["length"])

    def name(self, index: int) -> str:
        """Return what a message calls the image."""
        file, offset, length = self.rows[index].tolist()
        places = {WHOLE: "", ROW: f": row {length:,}"}
        return os.fsdecode(file) + places.get(offset, f": byte {offset:,}")
