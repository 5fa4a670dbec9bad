"""Quantize the float32 model with the calibrated ranges."""

if __name__ == "__main__":
    import logging
    from pathlib import Path

    from ptq_comparison.job import job

    with job(snakemake.log[0], snakemake.rule):
        from ptq_comparison.dtypes import DTYPES
        from ptq_comparison.models import load_model
        from ptq_comparison.quantization import quantize
        from ptq_comparison.sampling import read_samples

        calibration = snakemake.params.calibration
        options = snakemake.params.quantization
        dtype = snakemake.wildcards.dtype
        activation_type, weight_type = DTYPES[dtype]
        logging.info(
            "calibration: method %s, %d images, %d a class, seed %d",
            calibration["method"],
            len(read_samples(Path(snakemake.input.samples))),
            calibration["samples_per_class"],
            calibration["seed"],
        )
        logging.info(
            "quantization: format %s, activations %s, weights %s, per channel %s, reduce range %s",
            options["format"],
            activation_type,
            weight_type,
            options["per_channel"],
            options["reduce_range"],
        )
        quantize(
            load_model(Path(snakemake.input.model)),
            ranges=Path(snakemake.input.ranges),
            output=Path(snakemake.output.model),
            dtype=dtype,
            method=calibration["method"],
            format=options["format"],
            per_channel=options["per_channel"],
            reduce_range=options["reduce_range"],
            nodes_to_exclude=options["nodes_to_exclude"],
        )
