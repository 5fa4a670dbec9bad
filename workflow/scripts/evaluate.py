"""Measure the accuracy of a model and its paired difference to the float32 baseline."""

if __name__ == "__main__":
    import logging
    from pathlib import Path

    from ptq_comparison.common.job import job

    with job(snakemake.log[0], snakemake.rule):
        from ptq_comparison.common.files import read_json, write_json
        from ptq_comparison.datasets.sampling import describe_samples
        from ptq_comparison.evaluation.evaluate import evaluate, read_predictions
        from ptq_comparison.model.loading import describe_model, load_model
        from ptq_comparison.model.metadata import read_metadata

        name = snakemake.wildcards.model
        calibration = None
        baseline = None
        if name != "fp32":
            baseline = read_predictions(
                Path(snakemake.input.baseline), Path(snakemake.input.baseline_provenance)
            )
            provenance = read_metadata(load_model(Path(snakemake.input.model)))
            per_class = provenance["options"].get("samples_per_class")
            calibration = {
                "method": provenance["method"],
                **describe_samples(Path(snakemake.input.samples), per_class),
                "seed": snakemake.params.seed,
                "provenance": provenance,
            }
        evaluation = evaluate(
            model=describe_model(Path(snakemake.input.model), name),
            dataset=read_json(Path(snakemake.input.dataset)),
            predictions=read_predictions(
                Path(snakemake.input.predictions), Path(snakemake.input.provenance)
            ),
            baseline=baseline,
            calibration=calibration,
        )
        write_json(Path(snakemake.output.evaluation), evaluation)
        accuracy = evaluation["accuracy"]
        logging.info("%s: %d of %d correct", name, accuracy["correct"], accuracy["total"])
