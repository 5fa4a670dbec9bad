"""Measure the range of every activation tensor, on all calibration images or a part of them."""

if __name__ == "__main__":
    import logging

    from ptq_comparison.common.job import job

    with job(snakemake, memory_key="calibration.batch_size") as task:
        import numpy as np
        from ptq_comparison.calibration.calibrate import calibrate, write_ranges
        from ptq_comparison.calibration.provenance import calibration_provenance
        from ptq_comparison.config.methods import METHODS
        from ptq_comparison.datasets.sampling import few_per_class, read_labels
        from ptq_comparison.inference.batch_size import choose_batch_size
        from ptq_comparison.inference.batches import Batches, Chosen
        from ptq_comparison.model.loading import load_model

        params = task.params
        method, options = params.calibration["method"], dict(params.calibration["options"])
        provenance = calibration_provenance(
            task.input.model, task.input.images, params.preprocessing, method, dict(options)
        )
        model = load_model(task.input.model)
        labels = read_labels(task.input.samples)
        chosen = few_per_class(labels, options.pop("samples_per_class"), params.seed)
        images = Chosen(np.load(task.input.images, mmap_mode="r"), chosen)
        # onnxruntime itself takes the extremes of tensors, so that MinMax fetches nothing else.
        size = choose_batch_size(model, images, params, fetches_all=method != "MinMax")
        batches = Batches.of(images, model, params.preprocessing, size)
        text = " ".join(["calibrating", *task.wildcards])
        with task.progress(text, METHODS[method].passes * len(images)) as progress:
            ranges = calibrate(model, batches, method, options, progress)
        logging.info("%s: ranges of %d tensors, %d images", method, len(ranges.data), len(images))
        write_ranges(task.output.ranges, ranges, provenance)
