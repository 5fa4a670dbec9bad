"""Time all steps on the way to the recipe auto and float32 in turn."""

if __name__ == "__main__":
    from ptq_comparison.common.job import job

    with job(snakemake, memory_key="latency.batch_sizes") as task:
        import numpy as np
        from ptq_comparison.calibration.provenance import recipe_provenance
        from ptq_comparison.common.csv_rows import read_rows, write_rows
        from ptq_comparison.config.recipes import AUTO, quantization_options
        from ptq_comparison.evaluation.latency import BLOCK_COUNT, batches_by_setting
        from ptq_comparison.model.graph import name_nodes
        from ptq_comparison.model.loading import load_model
        from ptq_comparison.search.mixed_precision_speeds import STEPS_IN_MEMORY, time_steps
        from ptq_comparison.search.results import is_made
        from ptq_comparison.search.trial import quantizer

        path, ranges = task.input.model, task.input.ranges
        recipe, preprocessing = task.params.recipe, task.params.preprocessing
        rows = read_rows(task.input.curve)
        if task.params.timed:
            provenance = recipe_provenance(
                path, task.input.samples, ranges, preprocessing, recipe, AUTO
            )
            model, fp32 = name_nodes(load_model(path)), load_model(task.input.fp32)
            images = np.load(task.input.images, mmap_mode="r")
            sizes = [task.params.batch_size]
            settings = batches_by_setting(
                images, fp32, preprocessing, [task.params.threads], sizes, task.threads
            )
            groups = -(-sum(map(is_made, rows)) // STEPS_IN_MEMORY)
            with task.progress("timing steps", BLOCK_COUNT * groups, " blocks") as progress:
                rows = time_steps(
                    rows,
                    quantizer(model, ranges, provenance, quantization_options(recipe)),
                    fp32,
                    settings,
                    task.params.seconds,
                    progress,
                )
        write_rows(task.output.curve, rows)
