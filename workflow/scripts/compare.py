"""Put all models into a table: CSV, Markdown, HTML, LaTeX; and decide which one to ship."""

if __name__ == "__main__":
    from ptq_comparison.common.job import job

    with job(snakemake) as task:
        import numpy as np
        from ptq_comparison.common.files import read_json, write_text
        from ptq_comparison.report.comparison import compare

        evaluations = [read_json(path) for path in task.input.evaluations]
        right = {}
        for evaluation, path in zip(evaluations, task.input.predictions, strict=True):
            with np.load(path) as arrays:
                right[evaluation["model"]["name"]] = arrays["predicted"] == arrays["labels"]
        latency = read_json(task.input.latency) if task.input.latency else None
        comparison = compare(
            evaluations,
            right,
            latency,
            task.params.max_drop_pp,
            task.params.saturation_threshold,
            task.params.published_top1,
            read_json(task.input.diagnosis)["notes"],
            {path.stem: read_json(path) for path in task.input.references},
            read_json(task.input.devices) if task.input.devices else (),
        )
        write_text(task.output.csv, comparison.csv)
        write_text(task.output.md, comparison.markdown)
        write_text(task.output.html, comparison.html)
        write_text(task.output.verdict, comparison.verdict)
        write_text(task.output.summary, comparison.summary)
        write_text(task.output.landing, comparison.landing)
        write_text(task.output.tex, comparison.latex)
