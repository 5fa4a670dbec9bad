"""Run the bundle as on another CPU, for the predictions there."""

if __name__ == "__main__":
    from ptq_comparison.common.job import job

    with job(snakemake) as task:
        import tempfile
        from pathlib import Path

        from ptq_comparison.common.files import write_json
        from ptq_comparison.device.emulation import make_emulator
        from ptq_comparison.device.local_run import changed_text, run_bundle

        cpu = task.wildcards.cpu
        with tempfile.TemporaryDirectory() as scratch:
            emulator = make_emulator(cpu, Path(scratch))
            # Threads would share one core in qemu, and a device has fewer than this machine.
            options = ["--threads", "1", "--no-times", "--emulated", emulator.text]
            command, environment = emulator.command, emulator.environment
            told = f"{cpu} ({emulator.text})"
            device = run_bundle(task.input.bundle, command, cpu, options, told, environment)
        write_json(task.output.device, device)
        task.print(f"emulate: {changed_text(device)}")
