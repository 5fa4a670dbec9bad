"""Pack models, images and a script for a measurement on another machine."""

if __name__ == "__main__":
    import logging

    from ptq_comparison.common.job import job

    # Recipes and models in ORT format that could not be made are left out.
    with job(snakemake, reads_not_made=True) as task:
        import shutil
        import tempfile
        from pathlib import Path

        from ptq_comparison.common.files import atomic_path
        from ptq_comparison.common.not_made import read_not_made
        from ptq_comparison.device import measure
        from ptq_comparison.device.archives import write_tar, write_zip
        from ptq_comparison.device.assemble import assemble
        from ptq_comparison.device.bundle import fill_bundle

        params = task.params
        paths = dict(zip(params.models, task.input.models, strict=True))
        for name, path in zip(params.recipes, task.input.recipes, strict=True):
            if read_not_made(path) is None:
                paths[f"recipes/{name}"] = path
        if params.which == "pareto":
            from ptq_comparison.report.sweep import made_recipes, read_sweep
            from ptq_comparison.search.selection import pareto_front

            front = pareto_front(made_recipes(read_sweep(task.input.sweep)))
            kept = {f"recipes/{name}" for name in front}
            paths = {n: p for n, p in paths.items() if n in kept or not n.startswith("recipes/")}
        for name, path in zip(params.ort_models, task.input.ort_models, strict=True):
            if read_not_made(path) is None:
                paths[name] = path
        with tempfile.TemporaryDirectory() as scratch:
            folder = Path(scratch) / "device_bundle"
            folder.mkdir()
            script = folder / "measure.py"
            script.write_text(assemble(Path(measure.__file__)))
            script.chmod(0o755)
            fill_bundle(folder, paths, task.input, params, task.progress)
            for name, output in (
                ("bundle.json", task.output.manifest),
                ("expected.npz", task.output.expected),
            ):
                with atomic_path(output) as temporary:
                    shutil.copyfile(folder / name, temporary)
            for write, output in ((write_zip, task.output.zip), (write_tar, task.output.tar)):
                with atomic_path(output) as temporary:
                    write(folder, temporary)
        size = task.output.zip.stat().st_size
        logging.info("%d models, %.1f MB", len(paths), size / 1e6)
        task.print(f"device_bundle: {task.output.zip}, {len(paths)} models, {size / 1e6:.1f} MB")
