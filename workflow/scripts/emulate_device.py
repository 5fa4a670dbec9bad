"""Run the bundle as on another CPU, for the predictions there."""

if __name__ == "__main__":
    from ptq_comparison.common.job import job

    with job(snakemake) as task:
        import shutil
        import tempfile
        from pathlib import Path

        from ptq_comparison.common.files import atomic_path, read_json
        from ptq_comparison.device.emulated_run import changed_text, run_bundle
        from ptq_comparison.device.emulation import make_emulator

        cpu = task.wildcards.cpu
        with tempfile.TemporaryDirectory() as name:
            folders = {part: Path(name) / part for part in ("emulator", "bundle")}
            for folder in folders.values():
                folder.mkdir()
            emulator = make_emulator(cpu, folders["emulator"])
            written = run_bundle(task.input.bundle, cpu, emulator, folders["bundle"])
            with atomic_path(task.output.device) as temporary:
                shutil.copyfile(written, temporary)
        task.print(f"emulate: {changed_text(read_json(task.output.device))}")
