"""Calibrate models with one draw of calibration images, and evaluate them on the test images."""

if __name__ == "__main__":
    import tempfile
    from pathlib import Path
    from types import SimpleNamespace

    from ptq_comparison.common.job import job

    with job(snakemake, memory_key="evaluation.batch_size") as task:
        import numpy as np
        from ptq_comparison.common.files import read_json, sha256_file, write_json
        from ptq_comparison.datasets.dataset import Split
        from ptq_comparison.datasets.sampling import (
            calibration_indices,
            read_labels,
            write_samples,
        )
        from ptq_comparison.datasets.stored import open_images
        from ptq_comparison.inference.runtime import describe_runtime
        from ptq_comparison.stability.draw import TestImages, Tried, try_draw
        from ptq_comparison.stability.swept import selected_recipes

        params, seed = task.params, int(task.wildcards.seed)
        if task.input.selection:
            selection = read_json(task.input.selection)
            tried = selected_recipes(
                selection, task.input.models, task.input.float_models, params.most
            )
        else:
            (float_model,) = task.input.float_models
            tried = [
                Tried(name, name, given, float_model) for name, given in params.recipes.items()
            ]
        names = read_json(task.input.dataset)["class_names"]
        train = Split(open_images(task.input.images), np.load(task.input.labels))
        indices = calibration_indices(train.labels, names, params.per_class, params.total, seed)
        test = TestImages(
            open_images(task.input.test_images),
            read_labels(task.input.test_labels),
            np.load(task.input.baseline)["predicted"],
            len(names),
        )
        common = {"memory_mb": params.memory_mb, "preprocessing": params.preprocessing}
        with tempfile.TemporaryDirectory() as scratch:
            samples = Path(scratch) / "samples.npy"
            write_samples(train, indices, samples, Path(scratch) / "samples.csv")
            rows = try_draw(
                tried,
                samples,
                train.labels[indices],
                seed,
                test,
                SimpleNamespace(batch_size=params.calibration_batch_size, **common),
                SimpleNamespace(batch_size=params.batch_size, **common),
                Path(scratch),
                lambda text, total: task.progress(f"seed {seed}: {text}", total),
            )
            content = {
                "seed": seed,
                "images": len(indices),
                "pool": len(train.labels),
                "samples_sha256": sha256_file(samples),
                "runtime": describe_runtime(["CPUExecutionProvider"]),
                "models": rows,
            }
        write_json(task.output.draw, content)
