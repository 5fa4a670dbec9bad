"""Measure how much of the 8-bit grid the values of each activation tensor use."""

if __name__ == "__main__":
    from pathlib import Path

    from ptq_comparison.job import job

    with job(snakemake.log[0], snakemake.rule) as terminal:
        import numpy as np
        from ptq_comparison.activations import measure_activations, read_limits
        from ptq_comparison.files import write_json
        from ptq_comparison.inference import Batches
        from ptq_comparison.models import load_model
        from ptq_comparison.progress import Progress

        model = load_model(Path(snakemake.input.model))
        images = np.load(snakemake.input.images, mmap_mode="r")
        batches = Batches.of(
            images, model, snakemake.params.preprocessing, snakemake.params.batch_size
        )
        limits = read_limits(Path(snakemake.input.ranges))
        with Progress("activations", len(images), terminal) as progress:
            activations = measure_activations(model, batches, limits, progress)
        write_json(Path(snakemake.output.activations), activations)
