"""Put the predictions of all shards together, as one job for all images would have written them."""

if __name__ == "__main__":
    from typing import Any

    from ptq_comparison.common.job import job

    with job(snakemake) as task:
        import numpy as np
        from ptq_comparison.common.files import atomic_path, read_json, write_json
        from ptq_comparison.evaluation.merged import merge_arrays, merge_provenance

        shards = []
        for path in task.input.predictions:
            with np.load(path) as arrays:
                shards.append(dict(arrays))
        merged: dict[str, Any] = merge_arrays(shards)
        with atomic_path(task.output.predictions) as temporary:
            np.savez(temporary, **merged)
        provenance = [read_json(path) for path in task.input.provenance]
        write_json(task.output.provenance, merge_provenance(provenance))
