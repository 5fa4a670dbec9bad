"""Time all models in turn, for each number of threads and each batch size."""

if __name__ == "__main__":
    import logging
    import tempfile
    from pathlib import Path

    from ptq_comparison.job import job

    with job(snakemake.log[0], snakemake.rule) as terminal:
        import numpy as np
        from ptq_comparison.files import write_json
        from ptq_comparison.inference import Batches
        from ptq_comparison.latency import BLOCKS, measure, peak_memory, speedup, summarize
        from ptq_comparison.models import load_model
        from ptq_comparison.progress import progress_bar
        from ptq_comparison.runtime import describe_runtime

        rounds = snakemake.params.rounds
        images = np.load(snakemake.input.images, mmap_mode="r")
        paths = dict(zip(snakemake.params.models, map(Path, snakemake.input.models), strict=True))
        models = {name: load_model(path) for name, path in paths.items()}
        settings = [
            (snakemake.threads if threads == "all" else threads, size)
            for threads in snakemake.params.threads
            for size in snakemake.params.batch_sizes
        ]
        measurements = []
        with (
            progress_bar("measuring", len(settings), terminal) as progress,
            tempfile.TemporaryDirectory() as scratch,
        ):
            for threads, size in dict.fromkeys(settings):  # "all" may be 1
                batches = Batches.of(images, models["fp32"], snakemake.params.preprocessing, size)
                times = measure(models, batches, threads, rounds)
                size = next(iter(batches)).size  # that of the model, where it is fixed
                for name in models:
                    ratio, interval = speedup(times[name], times["fp32"])
                    measurements.append(
                        {
                            "model": name,
                            "threads": threads,
                            "batch_size": size,
                            **summarize(times[name], size),
                            "speedup": ratio,
                            "speedup_ci95": list(interval),
                            "peak_memory_bytes": peak_memory(
                                paths[name], batches, threads, Path(scratch)
                            ),
                        }
                    )
                    logging.info("%s", measurements[-1])
                progress.update()
        write_json(
            Path(snakemake.output.latency),
            {
                "calls": BLOCKS * rounds,
                "measurements": measurements,
                "runtime": describe_runtime(["CPUExecutionProvider"]),
            },
        )
