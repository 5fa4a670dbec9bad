"""Quantize a float32 model as a recipe asks for, with ranges that belong to it."""

if __name__ == "__main__":
    import logging

    from ptq_comparison.common.job import job

    with job(snakemake, memory_key="calibration.batch_size") as task:
        import numpy as np
        from ptq_comparison.calibration.provenance import recipe_provenance
        from ptq_comparison.common.files import check_sha256
        from ptq_comparison.config.recipes import quantization_options
        from ptq_comparison.datasets.sampling import describe_samples
        from ptq_comparison.inference.batch_size import choose_batch_size
        from ptq_comparison.inference.batches import Batches
        from ptq_comparison.model.graph import name_nodes
        from ptq_comparison.model.loading import load_model
        from ptq_comparison.quantization.float_nodes import with_float_nodes
        from ptq_comparison.quantization.quantize import check_recipe, quantize
        from ptq_comparison.refinement.refine import REFINEMENT_IMAGE_COUNT, refine

        (name,) = task.wildcards
        params, ranges, recipe = task.params, task.input.ranges, task.params.recipe
        samples = describe_samples(task.input.samples, recipe["samples_per_class"])
        logging.info(
            "calibration: method %s, %d images, %d a class, seed %d",
            recipe["method"],
            samples["images"],
            samples["per_class"],
            params.seed,
        )
        model = name_nodes(load_model(task.input.model))  # by which they are excluded
        recipe = with_float_nodes(model, recipe)
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
        provenance = recipe_provenance(
            task.input.model, task.input.images, ranges, params.preprocessing, recipe, name
        )
        check_recipe(model, params.section, options)
        images = np.load(task.input.images, mmap_mode="r")
        few = images[:: max(1, len(images) // REFINEMENT_IMAGE_COUNT)]
        size = choose_batch_size(model, images, params, fetches_all=True)
        batches = Batches.of(few, model, params.preprocessing, size)
        quantize(
            refine(model, ranges, recipe, batches),
            ranges,
            task.output.model,
            task.output.check,
            provenance=provenance,
            batches=batches,
            **options,
        )
        # Other tools were seen to change the file that they are given.
        check_sha256(task.input.model, provenance["model_sha256"], key="model.source")
