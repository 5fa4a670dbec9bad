"""The best assignment of columns to rows, for the few lines of scipy that a run would need."""

import numpy as np

FREE = -1
FARTHEST = np.iinfo(np.int64).max


def best_assignment(benefit: np.ndarray) -> np.ndarray:
    """Return a column for each row, int64 (n,), each once, with the largest sum of benefits.

    `benefit` is an integer array (n, n). Rows are assigned one after another, each along the
    shortest augmenting path: R. Jonker and A. Volgenant, Computing 38 (1987), 325-340.
    """
    cost = benefit.max(initial=0) - benefit.astype(np.int64)
    size = len(cost)
    # The potentials: cost - of_row - of_column is nowhere negative, and 0 where assigned.
    of_column = cost.min(axis=0, initial=FARTHEST)
    of_row = (cost - of_column).min(axis=1, initial=FARTHEST)
    columns, rows = np.full(size, FREE), np.full(size, FREE)
    for row in range(size):
        tight = (cost[row] == of_row[row] + of_column) & (rows == FREE)
        if tight.any():
            columns[row] = tight.argmax()
            rows[columns[row]] = row
    for row in np.flatnonzero(columns == FREE).tolist():
        distance = cost[row] - of_row[row] - of_column
        before = np.full(size, row)  # the row that a path to the column comes from
        passed, taken = np.zeros(size, bool), rows != FREE
        while True:
            # Of equal ones, a column that is free: many are equal where most benefits are 0.
            column = int(np.where(passed, FARTHEST, 2 * distance + taken).argmin())
            if not taken[column]:
                break
            passed[column] = True
            via = rows[column]
            longer = cost[via] - of_column + (distance[column] - of_row[via])
            nearer = (longer < distance) & ~passed
            distance[nearer], before[nearer] = longer[nearer], via
        length = distance[column]
        of_row[row] += length
        of_row[rows[passed]] += length - distance[passed]
        of_column[passed] -= length - distance[passed]
        while column != FREE:  # move every row on the path to the next column
            last = int(before[column])
            rows[column] = last
            columns[last], column = column, int(columns[last])
    return columns
