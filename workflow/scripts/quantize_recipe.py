"""Quantize as a recipe asks for, and compare the model with float32 on the validation images.

Both in one process: a sweep has dozens of recipes, and the start of a process costs a second.
"""

if __name__ == "__main__":
    import logging
    from types import SimpleNamespace

    from ptq_comparison.common.job import job

    with job(snakemake, memory_key="calibration.batch_size") as task:
        from ptq_comparison.refinement.make_model import make_model
        from ptq_comparison.search.validation import ValidationFiles, validate

        (name,) = task.wildcards
        params = task.params
        logging.info("%s: %s", name, params.recipe)
        make_model(
            task.input.model,
            task.input.images,
            task.input.ranges,
            params.recipe,
            name,
            params.section,
            params,
            task.output.model,
            task.output.check,
        )
        files = ValidationFiles(
            task.input.validation,
            task.input.baseline,
            task.output.predictions,
            task.output.provenance,
            task.output.evaluation,
        )
        predicting = SimpleNamespace(
            batch_size=params.evaluation_batch_size,
            memory_mb=params.memory_mb,
            preprocessing=params.preprocessing,
        )
        found = validate(
            name, task.output.model, files, predicting, params.validation, task.progress
        )
        logging.info("%s: %s", name, found)
