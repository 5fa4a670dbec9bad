"""Time all steps on the way to the recipe auto and float32 in turn."""

if __name__ == "__main__":
    from pathlib import Path

    from ptq_comparison.common.job import job

    with job(snakemake.log[0], snakemake.rule) as terminal:
        import numpy as np
        from ptq_comparison.calibration.provenance import recipe_provenance
        from ptq_comparison.common.csv_rows import read_rows, write_rows
        from ptq_comparison.common.progress import Progress
        from ptq_comparison.config.recipes import AUTO, quantization_options
        from ptq_comparison.evaluation.latency import BLOCK_COUNT, count_threads
        from ptq_comparison.inference.batches import Batches
        from ptq_comparison.model.graph import name_nodes
        from ptq_comparison.model.loading import load_model
        from ptq_comparison.search.mixed_precision_speeds import STEPS_IN_MEMORY, time_steps
        from ptq_comparison.search.trial import quantizer

        path, ranges = Path(snakemake.input.model), Path(snakemake.input.ranges)
        recipe, preprocessing = snakemake.params.recipe, snakemake.params.preprocessing
        rows = read_rows(Path(snakemake.input.curve))
        if snakemake.params.timed:
            provenance = recipe_provenance(
                path, Path(snakemake.input.samples), ranges, preprocessing, recipe, AUTO
            )
            model, fp32 = name_nodes(load_model(path)), load_model(Path(snakemake.input.fp32))
            images = np.load(snakemake.input.images, mmap_mode="r")
            batches = Batches.of(images, fp32, preprocessing, snakemake.params.batch_size)
            threads = count_threads(snakemake.params.threads, snakemake.threads)
            groups = -(-len(rows) // STEPS_IN_MEMORY)
            with Progress("timing steps", BLOCK_COUNT * groups, terminal, " blocks") as progress:
                rows = time_steps(
                    rows,
                    quantizer(model, ranges, provenance, quantization_options(recipe)),
                    fp32,
                    (batches, threads),
                    snakemake.params.seconds,
                    progress,
                )
        write_rows(Path(snakemake.output.curve), rows)
