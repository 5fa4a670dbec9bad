"""Quantize one node at a time, and all but one, for a share of the nodes."""

if __name__ == "__main__":
    import logging
    from pathlib import Path

    from ptq_comparison.common.job import job

    with job(snakemake.log[0], snakemake.rule) as terminal:
        import numpy as np
        from ptq_comparison.calibration.provenance import recipe_provenance
        from ptq_comparison.common.files import write_json
        from ptq_comparison.common.progress import Progress
        from ptq_comparison.config.recipes import AUTO, quantization_options
        from ptq_comparison.datasets.sampling import spread
        from ptq_comparison.inference.batches import Batches
        from ptq_comparison.model.graph import name_nodes
        from ptq_comparison.model.loading import load_model
        from ptq_comparison.quantization.quantize import check_recipe
        from ptq_comparison.search.sensitivity import candidate_nodes, measure_share
        from ptq_comparison.search.trial import Trial, quantizer

        item = snakemake.wildcards.scatteritem
        share, shares = map(int, item.split("-of-"))
        path, ranges = Path(snakemake.input.model), Path(snakemake.input.ranges)
        recipe, preprocessing = snakemake.params.recipe, snakemake.params.preprocessing
        provenance = recipe_provenance(
            path, Path(snakemake.input.samples), ranges, preprocessing, recipe, AUTO
        )
        options = quantization_options(recipe)
        model = name_nodes(load_model(path))
        check_recipe(model, snakemake.params.name, options)
        images = np.load(snakemake.input.images, mmap_mode="r")
        chosen = spread(len(images), snakemake.params.images)
        with np.load(snakemake.input.baseline) as arrays:
            scores = arrays["scores"][chosen]
        batches = Batches.of(images[chosen], model, preprocessing, snakemake.params.batch_size)
        trial = Trial(quantizer(model, ranges, provenance, options), batches, scores)
        candidates = candidate_nodes(model, options)
        count = len(candidates[share - 1 :: shares])
        with Progress(f"nodes {item}", count, terminal, " nodes") as progress:
            rows = measure_share(trial, model, candidates, share, shares, progress)
        for row in rows:
            logging.info("%s", row)
        write_json(Path(snakemake.output.rows), rows)
