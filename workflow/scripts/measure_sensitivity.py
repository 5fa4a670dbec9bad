"""Quantize one node at a time, and all but one, for a share of the nodes."""

if __name__ == "__main__":
    import logging

    from ptq_comparison.common.job import job

    with job(snakemake, memory_key="evaluation.batch_size") as task:
        import numpy as np
        from ptq_comparison.calibration.provenance import recipe_provenance
        from ptq_comparison.common.files import read_json, write_json
        from ptq_comparison.config.recipes import AUTO, quantization_options
        from ptq_comparison.datasets.sampling import spread
        from ptq_comparison.inference.batch_size import choose_batch_size
        from ptq_comparison.inference.batches import Batches
        from ptq_comparison.inference.model_inputs import Chosen
        from ptq_comparison.model.graph import name_nodes
        from ptq_comparison.model.loading import load_model
        from ptq_comparison.search.sensitivity import candidate_nodes, measure_share
        from ptq_comparison.search.trial import Trial, quantizer

        item = task.wildcards.scatteritem
        share, shares = map(int, item.split("-of-"))
        path, ranges = task.input.model, task.input.ranges
        recipe, preprocessing = read_json(task.input.base)["recipe"], task.params.preprocessing
        provenance = recipe_provenance(
            path, task.input.samples, ranges, preprocessing, recipe, AUTO
        )
        options = quantization_options(recipe)
        model = name_nodes(load_model(path))
        images = np.load(task.input.images, mmap_mode="r")
        chosen = spread(len(images), task.params.images)
        with np.load(task.input.baseline) as arrays:
            scores = arrays["scores"][chosen]
        images = Chosen(images, chosen)
        size = choose_batch_size(model, images, task.params)
        batches = Batches.of(images, model, preprocessing, size)
        refined = load_model(task.input.refined)
        trial = Trial(quantizer(model, ranges, provenance, options, refined), batches, scores)
        candidates = candidate_nodes(model, options)
        count = len(candidates[share - 1 :: shares])
        with task.progress(f"nodes {item}", count, " nodes") as progress:
            rows = measure_share(trial, model, candidates, share, shares, progress)
        for row in rows:
            logging.info("%s", row)
        write_json(task.output.rows, rows)
