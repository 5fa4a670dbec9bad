"""Put the predictions of all shards together, as one job for all images would have written them."""

if __name__ == "__main__":
    from ptq_comparison.common.job import job

    with job(snakemake) as task:
        from ptq_comparison.common.files import atomic_path, read_json, write_json
        from ptq_comparison.common.mapped import map_npz, write_npz
        from ptq_comparison.evaluation.merged import merge_arrays, merge_provenance

        merged = merge_arrays([map_npz(path) for path in task.input.predictions])
        with atomic_path(task.output.predictions) as temporary:
            write_npz(temporary, merged)
        provenance = [read_json(path) for path in task.input.provenance]
        write_json(task.output.provenance, merge_provenance(provenance))
