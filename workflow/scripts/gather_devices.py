"""Check what devices have brought back, and put it into one table: CSV, Markdown, HTML, JSON."""

if __name__ == "__main__":
    from ptq_comparison.common.job import job

    with job(snakemake) as task:
        import numpy as np
        from ptq_comparison.common.files import read_json, write_json, write_text
        from ptq_comparison.config.schema import validator_of
        from ptq_comparison.device.brought_back import read_bundle, read_devices
        from ptq_comparison.report.decision import decide
        from ptq_comparison.report.device_notes import device_notes, device_warnings
        from ptq_comparison.report.device_verdict import decide_on
        from ptq_comparison.report.devices import summarize_device, verdict_lines, write_page
        from ptq_comparison.report.references import candidates
        from ptq_comparison.report.verdict import headline_speeds

        params = task.params
        bundle = read_bundle(task.input.bundle, task.input.labels, task.input.expected)
        devices = read_devices(task.input.devices, validator_of(params.schema), bundle)
        evaluations = candidates([read_json(path) for path in task.input.evaluations])
        right = {}
        for evaluation, path in zip(evaluations, task.input.predictions, strict=True):
            with np.load(path) as arrays:
                right[evaluation["model"]["name"]] = arrays["predicted"] == arrays["labels"]
        speeds = headline_speeds(read_json(task.input.latency) if task.input.latency else None)
        here = decide(evaluations, right, speeds, params.max_drop_pp).model
        brought = [
            summarize_device(
                device,
                decide_on(device, bundle, evaluations, right, here, params.max_drop_pp),
                device_warnings(device, params.saturation_threshold),
                device_notes(device),
            )
            for device in devices
        ]
        page = write_page(devices, brought)
        write_json(task.output.json, brought)
        write_text(task.output.csv, page.csv)
        write_text(task.output.md, page.markdown)
        write_text(task.output.html, page.html)
        task.print("\n".join(verdict_lines(brought)))
