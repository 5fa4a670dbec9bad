"""Measure the accuracy of a model and its paired difference to the float32 baseline."""

if __name__ == "__main__":
    import logging

    from ptq_comparison.common.job import job

    with job(snakemake) as task:
        from ptq_comparison.common.files import read_json, write_json
        from ptq_comparison.datasets.sampling import describe_samples
        from ptq_comparison.evaluation.evaluate import evaluate, read_predictions
        from ptq_comparison.model.loading import describe_model, load_model
        from ptq_comparison.model.metadata import read_metadata

        name = task.wildcards.model
        calibration = None
        baseline = None
        if name != "fp32":
            baseline = read_predictions(task.input.baseline, task.input.baseline_provenance)
        if task.input.samples:  # a quantized model, which is no reference
            provenance = read_metadata(load_model(task.input.model))
            per_class = provenance["options"].get("samples_per_class")
            calibration = {
                "method": provenance["method"],
                **describe_samples(task.input.samples, per_class),
                "seed": task.params.seed,
                "provenance": provenance,
            }
        evaluation = evaluate(
            model=describe_model(task.input.model, name),
            dataset=read_json(task.input.dataset),
            predictions=read_predictions(task.input.predictions, task.input.provenance),
            baseline=baseline,
            calibration=calibration,
        )
        write_json(task.output.evaluation, evaluation)
        accuracy = evaluation["accuracy"]
        logging.info("%s: %d of %d correct", name, accuracy["correct"], accuracy["total"])
