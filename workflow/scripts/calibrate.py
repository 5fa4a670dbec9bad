"""Measure the range of every activation tensor, on all calibration images or a part of them."""

if __name__ == "__main__":
    from ptq_comparison.common.job import job

    with job(snakemake, memory_key="calibration.batch_size") as task:
        from ptq_comparison.calibration.measure import measure_ranges
        from ptq_comparison.datasets.sampling import few_per_class, read_labels

        params = task.params
        per_class = params.calibration["options"]["samples_per_class"]
        measure_ranges(
            task.input.model,
            task.input.images,
            few_per_class(read_labels(task.input.samples), per_class, params.seed),
            params.calibration,
            params,
            task.output.ranges,
            lambda total: task.progress(" ".join(["calibrating", *task.wildcards]), total),
        )
