"""Measure the range of every activation tensor of the float32 model."""

if __name__ == "__main__":
    import logging
    from pathlib import Path

    from ptq_comparison.job import job

    with job(snakemake.log[0], snakemake.rule) as terminal:
        import numpy as np
        from ptq_comparison.calibration import calibrate, write_ranges
        from ptq_comparison.inference import Batches
        from ptq_comparison.models import load_model
        from ptq_comparison.progress import progress_bar

        model = load_model(Path(snakemake.input.model))
        images = np.load(snakemake.input.images, mmap_mode="r")
        batches = Batches.of(
            images, model, snakemake.params.preprocessing, snakemake.params.batch_size
        )
        method = snakemake.params.method
        with progress_bar("calibrating", len(images), terminal) as progress:
            ranges = calibrate(model, batches, method, snakemake.threads, progress)
        write_ranges(Path(snakemake.output.ranges), ranges)
        logging.info("%s: ranges of %d tensors, %d images", method, len(ranges.data), len(images))
