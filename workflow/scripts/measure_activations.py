"""Measure how much of its stored grid the values of each activation tensor use."""

if __name__ == "__main__":
    from pathlib import Path

    from ptq_comparison.common.job import job

    with job(snakemake.log[0], snakemake.rule) as terminal:
        import numpy as np
        from ptq_comparison.common.files import write_json
        from ptq_comparison.common.progress import Progress
        from ptq_comparison.inference.batches import Batches
        from ptq_comparison.model.loading import load_model
        from ptq_comparison.quantization.activation_grids import stored_grids
        from ptq_comparison.quantization.grid_use import measure_activations

        model = load_model(Path(snakemake.input.model))
        images = np.load(snakemake.input.images, mmap_mode="r")
        batches = Batches.of(
            images, model, snakemake.params.preprocessing, snakemake.params.batch_size
        )
        grids = stored_grids(load_model(Path(snakemake.input.quantized)), model)
        with Progress("activations", len(images), terminal) as progress:
            activations = measure_activations(model, batches, grids, progress)
        write_json(Path(snakemake.output.activations), activations)
