"""Compare the predictions of a recipe with those of float32 on the validation images."""

if __name__ == "__main__":
    import logging

    from ptq_comparison.common.job import job

    with job(snakemake) as task:
        import numpy as np
        from ptq_comparison.common.files import read_json, write_json
        from ptq_comparison.evaluation.evaluate import evaluate_recipe
        from ptq_comparison.model.loading import describe_model, load_model
        from ptq_comparison.model.metadata import read_metadata

        (name,) = task.wildcards
        with np.load(task.input.baseline) as fp32, np.load(task.input.predictions) as arrays:
            validation = evaluate_recipe(arrays["scores"], fp32["scores"], fp32["labels"])
        logging.info("%s: %s", name, validation)
        write_json(
            task.output.evaluation,
            {
                "recipe": name,
                "model": describe_model(task.input.model, name),
                "validation": validation,
                "validation_images": task.params.validation,
                "provenance": read_metadata(load_model(task.input.model)),
                "runtime": read_json(task.input.provenance)["runtime"],
            },
        )
