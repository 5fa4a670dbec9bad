"""Keep the worst nodes in float32 until the loss on the validation images is small enough."""

if __name__ == "__main__":
    import logging
    from collections.abc import Sequence

    from ptq_comparison.common.job import job

    with job(snakemake, memory_key="evaluation.batch_size") as task:
        import numpy as np
        from ptq_comparison.calibration.provenance import recipe_provenance
        from ptq_comparison.common.csv_rows import read_rows, write_rows
        from ptq_comparison.common.files import atomic_path
        from ptq_comparison.config.recipes import AUTO, quantization_options
        from ptq_comparison.inference.batch_size import choose_batch_size
        from ptq_comparison.inference.batches import Batches
        from ptq_comparison.model.graph import name_nodes
        from ptq_comparison.model.loading import load_model
        from ptq_comparison.quantization.quantize import quantize
        from ptq_comparison.search.mixed_precision import last_quantized, mix_precision
        from ptq_comparison.search.sensitivity import rank
        from ptq_comparison.search.trial import Trial, exclude, quantizer

        path, ranges = task.input.model, task.input.ranges
        recipe, preprocessing = task.params.recipe, task.params.preprocessing
        provenance = recipe_provenance(
            path, task.input.samples, ranges, preprocessing, recipe, AUTO
        )
        options = quantization_options(recipe)
        model = name_nodes(load_model(path))
        images = np.load(task.input.images, mmap_mode="r")
        with np.load(task.input.baseline) as arrays:
            scores, labels = arrays["scores"], arrays["labels"]
        # Its last step is checked tensor by tensor, as in rule quantize.
        size = choose_batch_size(model, images, task.params, fetches_all=True)
        batches = Batches.of(images, model, preprocessing, size)
        trial = Trial(quantizer(model, ranges, provenance, options), batches, scores)
        ranking = rank(read_rows(task.input.sensitivity))
        rows = []
        steps = task.progress("nodes in float32", len(ranking) + 1, " steps")
        files = atomic_path(task.output.model), atomic_path(task.output.check)
        with files[0] as temporary, files[1] as check, steps as progress:

            def write(in_float: Sequence[str]) -> None:
                excluding = exclude(options, in_float)
                quantize(model, ranges, temporary, check, provenance, batches, **excluding)

            target = task.params.target_drop_pp
            for row in mix_precision(trial, ranking, labels, target, write):
                logging.info("%s", row)
                rows.append(row)
                progress.update()
            kept = last_quantized(rows)["nodes_in_float"]
        write_rows(task.output.curve, rows)
        if not rows[-1]["nodes_quantized"]:
            task.print(
                f"sensitivity.target_drop_pp: the recipe loses more than "
                f"{task.params.target_drop_pp} pp as long as any node is in 8 bits"
            )
        task.print(f"auto: {kept} of {len(ranking)} nodes stay in float32")
