"""Time all models in turn, for each number of threads and each batch size."""

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
            peak_memory,
            speedup,
            summarize,
        )
        from ptq_comparison.inference.batches import Batches
        from ptq_comparison.inference.runtime import describe_runtime
        from ptq_comparison.model.loading import load_model

        images = np.load(snakemake.input.images, mmap_mode="r")
        paths = dict(zip(snakemake.params.models, map(Path, snakemake.input.models), strict=True))
        models = {name: load_model(path) for name, path in paths.items()}
        settings = {}
        for threads in snakemake.params.threads:  # "all" may be one of the others
            for size in snakemake.params.batch_sizes:
                batches = Batches.of(images, models["fp32"], snakemake.params.preprocessing, size)
                # That of the model, where it is fixed.
                size = next(iter(batches)).size
                settings[count_threads(threads, snakemake.threads), size] = batches
        with Progress("measuring", BLOCK_COUNT * len(settings), terminal, " blocks") as progress:
            times = measure(
                models,
                [(batches, threads) for (threads, _), batches in settings.items()],
                snakemake.params.seconds,
                progress,
            )
        measurements = []
        for ((threads, size), batches), measured in zip(settings.items(), times, strict=True):
            for name, path in paths.items():
                ratio, interval = speedup(measured[name], measured["fp32"])
                row = {
                    "model": name,
                    "threads": threads,
                    "batch_size": size,
                    **summarize(measured[name], size),
                    "speedup": ratio,
                    "speedup_ci95": list(interval),
                    "peak_memory_bytes": peak_memory(path, batches, threads),
                }
                logging.info("%s", row)
                measurements.append(row)
        write_json(
            Path(snakemake.output.latency),
            {
                "measurements": measurements,
                "runtime": describe_runtime(["CPUExecutionProvider"]),
            },
        )
