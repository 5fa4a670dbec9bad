"""Time the model of a recipe and float32 in turn."""

if __name__ == "__main__":
    import logging
    from pathlib import Path

    from ptq_comparison.common.job import job

    with job(snakemake.log[0], snakemake.rule) as terminal:
        import numpy as np
        from ptq_comparison.common.files import write_json
        from ptq_comparison.common.progress import Progress
        from ptq_comparison.evaluation.latency import (
            BLOCK_COUNT,
            count_threads,
            measure,
            speedup,
            summarize,
        )
        from ptq_comparison.inference.batches import Batches
        from ptq_comparison.model.loading import load_model

        name = snakemake.wildcards.recipe
        models = {
            "fp32": load_model(Path(snakemake.input.fp32)),
            name: load_model(Path(snakemake.input.model)),
        }
        images = np.load(snakemake.input.images, mmap_mode="r")
        threads = count_threads(snakemake.params.threads, snakemake.threads)
        batches = Batches.of(
            images, models["fp32"], snakemake.params.preprocessing, snakemake.params.batch_size
        )
        with Progress(f"timing {name}", BLOCK_COUNT, terminal, " blocks") as progress:
            (times,) = measure(models, [(batches, threads)], snakemake.params.seconds, progress)
        ratio, interval = speedup(times[name], times["fp32"])
        size = next(iter(batches)).size
        latency = {
            "threads": threads,
            "batch_size": size,
            **summarize(times[name], size),
            "speedup": ratio,
            "speedup_ci95": list(interval),
        }
        logging.info("%s: %s", name, latency)
        write_json(Path(snakemake.output.latency), latency)
