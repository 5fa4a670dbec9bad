"""Quantize as a recipe asks for, weights and biases refined where it does."""

if __name__ == "__main__":
    import logging
    from pathlib import Path

    from ptq_comparison.common.job import job

    with job(snakemake.log[0], snakemake.rule):
        import numpy as np
        from ptq_comparison.calibration.provenance import recipe_provenance
        from ptq_comparison.config.recipes import quantization_options
        from ptq_comparison.inference.batches import Batches
        from ptq_comparison.model.loading import load_model
        from ptq_comparison.quantization.quantize import check_recipe, quantize
        from ptq_comparison.refinement.refine import REFINEMENT_IMAGE_COUNT, refine

        recipe, preprocessing = snakemake.params.recipe, snakemake.params.preprocessing
        model_path, images_path = Path(snakemake.input.model), Path(snakemake.input.images)
        ranges = Path(snakemake.input.ranges)
        logging.info("%s: %s", snakemake.wildcards.recipe, recipe)
        provenance = recipe_provenance(
            model_path, images_path, ranges, preprocessing, recipe, snakemake.wildcards.recipe
        )
        model, options = load_model(model_path), quantization_options(recipe)
        check_recipe(model, snakemake.wildcards.recipe, options)
        images = np.load(images_path, mmap_mode="r")
        few = images[:: max(1, len(images) // REFINEMENT_IMAGE_COUNT)]
        batches = Batches.of(few, model, preprocessing, snakemake.params.batch_size)
        quantize(
            refine(model, ranges, recipe, batches),
            ranges,
            Path(snakemake.output.model),
            provenance=provenance,
            batches=batches,
            **options,
        )
