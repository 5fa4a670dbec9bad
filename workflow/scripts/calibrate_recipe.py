"""Measure the ranges that some recipes share, on all calibration images or a part of them."""

if __name__ == "__main__":
    import logging
    from pathlib import Path

    from ptq_comparison.common.job import job

    with job(snakemake.log[0], snakemake.rule) as terminal:
        import numpy as np
        from ptq_comparison.calibration.calibrate import calibrate, write_ranges
        from ptq_comparison.calibration.provenance import calibration_provenance
        from ptq_comparison.common.progress import Progress
        from ptq_comparison.config.methods import METHODS
        from ptq_comparison.datasets.sampling import read_samples, stratified_indices
        from ptq_comparison.inference.batches import Batches
        from ptq_comparison.model.loading import load_model

        model_path, images_path = Path(snakemake.input.model), Path(snakemake.input.images)
        calibration, preprocessing = snakemake.params.calibration, snakemake.params.preprocessing
        method, options = calibration["method"], dict(calibration["options"])
        model = load_model(model_path)
        labels = read_samples(Path(snakemake.input.samples))[:, 1]
        indices = stratified_indices(
            labels,
            class_names=[str(label) for label in range(labels.max() + 1)],
            samples_per_class=options["samples_per_class"],
            seed=snakemake.params.seed,
        )
        images = np.load(images_path, mmap_mode="r")[indices]
        batches = Batches.of(images, model, preprocessing, snakemake.params.batch_size)
        own = {key: value for key, value in options.items() if key != "samples_per_class"}
        with Progress(
            f"calibrating {snakemake.wildcards.calibration}",
            METHODS[method].passes * len(images),
            terminal,
        ) as progress:
            ranges = calibrate(model, batches, method, own, progress)
        logging.info("%s: ranges of %d tensors, %d images", method, len(ranges.data), len(images))
        provenance = calibration_provenance(model_path, images_path, preprocessing, method, options)
        write_ranges(Path(snakemake.output.ranges), ranges, provenance)
