"""Time models in turn, for each number of threads and each batch size."""

if __name__ == "__main__":
    import logging

    from ptq_comparison.common.job import job

    # Of several recipes in one job, those that could not be made are left out.
    with job(snakemake, reads_not_made=True, memory_key="latency.batch_sizes") as task:
        from ptq_comparison.common.errors import UserError
        from ptq_comparison.common.files import write_json
        from ptq_comparison.common.not_made import read_not_made
        from ptq_comparison.datasets.stored import open_images
        from ptq_comparison.evaluation.disturbance import frequency_governor, load_average
        from ptq_comparison.evaluation.latency import batches_by_setting, measure_models
        from ptq_comparison.evaluation.peak_memory import peak_memory
        from ptq_comparison.evaluation.timing import BLOCK_COUNT
        from ptq_comparison.inference.runtime import describe_runtime
        from ptq_comparison.model.loading import load_model

        params = task.params
        # Only what is timed; encoded images are decoded once, before.
        images = open_images(task.input.images)[: max(params.batch_sizes)]
        paths = dict(zip(params.models, task.input.models, strict=True))
        reasons = {name: read_not_made(path) for name, path in paths.items()}
        paths = {name: path for name, path in paths.items() if reasons[name] is None}
        if list(paths) == ["fp32"]:
            raise UserError(next(filter(None, reasons.values())))
        models = {name: load_model(path) for name, path in paths.items()}
        settings = batches_by_setting(
            images,
            models["fp32"],
            params.preprocessing,
            params.threads,
            params.batch_sizes,
            task.threads,
        )
        text = " ".join(["measuring", *task.wildcards])
        before = load_average()
        with task.progress(text, BLOCK_COUNT * len(settings), " blocks") as progress:
            rows = measure_models(models, settings, params.seconds, progress)
        after = load_average()
        if params.measures_memory:
            for row in rows:
                setting = row["threads"], row["batch_size"]
                name = row["model"]
                batches = settings[setting].fitted(models[name])
                (inputs,) = next(iter(batches)).inputs.values()
                row["peak_memory_bytes"] = peak_memory(paths[name], inputs, row["threads"])
        for row in rows:
            logging.info("%s", row)
        write_json(
            task.output.latency,
            {
                "measurements": rows,
                "machine": {
                    "load_average": {"before": before, "after": after},
                    "governor": frequency_governor(),
                },
                "runtime": describe_runtime(["CPUExecutionProvider"]),
            },
        )
