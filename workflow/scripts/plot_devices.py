"""Plot the speed of the models on each device, and where predictions change."""

if __name__ == "__main__":
    from ptq_comparison.common.job import job

    with job(snakemake) as task:
        from ptq_comparison.common.files import read_json
        from ptq_comparison.report.figures.devices import plot_devices
        from ptq_comparison.report.figures.files import save
        from ptq_comparison.report.verdict import headline_speeds

        params = task.params
        latency = read_json(task.input.latency) if task.input.latency else None
        devices = read_json(task.input.devices)
        figure = plot_devices(devices, headline_speeds(latency), params.models)
        save(figure, task.output.figure, params.options)
