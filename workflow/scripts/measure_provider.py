"""Measure the bundle for devices on this machine, with another execution provider."""

if __name__ == "__main__":
    from ptq_comparison.common.job import job

    with job(snakemake) as task:
        from ptq_comparison.common.files import read_json, write_json
        from ptq_comparison.device.local_run import describe_run, run_bundle

        found, name = read_json(task.input.found), task.wildcards.provider
        options = ["--provider", found["provider"]]
        options += [] if task.params.timed else ["--no-times"]
        told = f"latency.providers: {found['provider']}"
        device = run_bundle(task.input.bundle, [found["python"]], name, options, told)
        write_json(task.output.device, device)
        task.print(describe_run(device))
