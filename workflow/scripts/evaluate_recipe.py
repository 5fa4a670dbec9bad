"""Compare the recipe auto with float32 on the validation images."""

if __name__ == "__main__":
    import logging

    from ptq_comparison.common.job import job

    with job(snakemake, memory_key="evaluation.batch_size") as task:
        from ptq_comparison.search.validation import ValidationFiles, validate

        (name,) = task.wildcards
        files = ValidationFiles(
            task.input.images,
            task.input.baseline,
            task.output.predictions,
            task.output.provenance,
            task.output.evaluation,
        )
        params = task.params
        found = validate(name, task.input.model, files, params, params.validation, task.progress)
        logging.info("%s: %s", name, found)
