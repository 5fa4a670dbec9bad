"""Quantize the float32 model with ranges that belong to it."""

if __name__ == "__main__":
    import logging
    from pathlib import Path

    from ptq_comparison.common.job import job

    with job(snakemake.log[0], snakemake.rule):
        import numpy as np
        from ptq_comparison.calibration.provenance import calibration_provenance, check_ranges
        from ptq_comparison.common.files import check_sha256
        from ptq_comparison.datasets.sampling import read_samples
        from ptq_comparison.inference.batches import Batches
        from ptq_comparison.model.loading import load_model
        from ptq_comparison.quantization.quantize import quantize

        method, preprocessing = snakemake.params.method, snakemake.params.preprocessing
        options = snakemake.params.quantization
        model_path, ranges = Path(snakemake.input.model), Path(snakemake.input.ranges)
        images_path = Path(snakemake.input.images)
        logging.info(
            "calibration: method %s, %d images, %d a class, seed %d",
            method,
            len(read_samples(Path(snakemake.input.samples))),
            snakemake.params.samples_per_class,
            snakemake.params.seed,
        )
        logging.info(
            "quantization: format %s, activations %s, weights %s, per channel %s, reduce range %s",
            options["format"],
            options["activation_type"],
            options["weight_type"],
            options["per_channel"],
            options["reduce_range"],
        )
        expected = calibration_provenance(
            model_path, images_path, preprocessing, method, snakemake.params.options
        )
        provenance = check_ranges(ranges, expected)
        model = load_model(model_path)
        images = np.load(images_path, mmap_mode="r")
        quantize(
            model,
            ranges,
            Path(snakemake.output.model),
            provenance=provenance,
            batches=Batches.of(images, model, preprocessing, snakemake.params.batch_size),
            **options,
        )
        # Other tools were seen to change the file that they are given.
        check_sha256(model_path, provenance["model_sha256"], key="model.source")
