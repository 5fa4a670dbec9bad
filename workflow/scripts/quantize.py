"""Quantize a float32 model as a recipe asks for, with ranges that belong to it."""

if __name__ == "__main__":
    import logging

    from ptq_comparison.common.job import job

    with job(snakemake, memory_key="calibration.batch_size") as task:
        from ptq_comparison.config.recipes import quantization_options
        from ptq_comparison.datasets.sampling import describe_samples
        from ptq_comparison.refinement.make_model import make_model

        (name,) = task.wildcards
        params, recipe = task.params, task.params.recipe
        samples = describe_samples(task.input.samples, recipe["samples_per_class"])
        logging.info(
            "calibration: method %s, %d images, %d a class, seed %d",
            recipe["method"],
            samples["images"],
            samples["per_class"],
            params.seed,
        )
        options = quantization_options(recipe)
        logging.info(
            "quantization: format %s, activations %s, weights %s, per channel %s, reduce range %s",
            options["format"],
            options["activation_type"],
            options["weight_type"],
            options["per_channel"],
            options["reduce_range"],
        )
        logging.info("%s: %s", name, recipe)
        make_model(
            task.input.model,
            task.input.images,
            task.input.ranges,
            recipe,
            name,
            params.section,
            params,
            task.output.model,
            task.output.check,
        )
