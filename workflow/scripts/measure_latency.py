"""Time models in turn, for each number of threads and each batch size."""

if __name__ == "__main__":
    import logging

    from ptq_comparison.common.job import job

    with job(snakemake) as task:
        import numpy as np
        from ptq_comparison.common.files import write_json
        from ptq_comparison.evaluation.latency import (
            BLOCKS,
            count_threads,
            measure,
            peak_memory,
            speedup,
            summarize,
        )
        from ptq_comparison.inference.batches import Batches
        from ptq_comparison.inference.runtime import describe_runtime
        from ptq_comparison.model.loading import load_model

        params = task.params
        images = np.load(task.input.images, mmap_mode="r")
        paths = dict(zip(params.models, task.input.models, strict=True))
        models = {name: load_model(path) for name, path in paths.items()}
        settings = {}
        for threads in params.threads:  # "all" may be one of the others
            for size in params.batch_sizes:
                batches = Batches.of(images, models["fp32"], params.preprocessing, size)
                # That of the model, where it is fixed.
                size = next(iter(batches)).size
                settings[count_threads(threads, task.threads), size] = batches
        text = " ".join(["measuring", *task.wildcards])
        with task.progress(text, BLOCKS * len(settings), " blocks") as progress:
            times = measure(
                models,
                [(batches, threads) for (threads, _), batches in settings.items()],
                params.seconds,
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
                }
                if params.measures_memory:
                    row["peak_memory_bytes"] = peak_memory(path, batches, threads)
                logging.info("%s", row)
                measurements.append(row)
        write_json(
            task.output.latency,
            {
                "measurements": measurements,
                "runtime": describe_runtime(["CPUExecutionProvider"]),
            },
        )
