"""Measure the bundle for devices on this machine, with another execution provider."""

if __name__ == "__main__":
    from ptq_comparison.common.job import job

    with job(snakemake) as task:
        from ptq_comparison.common.files import read_json, write_json
        from ptq_comparison.device.provider_run import describe_run, measure_provider

        found = read_json(task.input.found)
        name, timed = task.wildcards.provider, task.params.timed
        device = measure_provider(task.input.bundle, found, name, timed)
        write_json(task.output.device, device)
        task.print(describe_run(device))
