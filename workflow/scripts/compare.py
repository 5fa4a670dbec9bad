"""Put all models into one table: CSV, Markdown and HTML, and the verdict into one sentence."""

if __name__ == "__main__":
    from ptq_comparison.common.job import job

    with job(snakemake) as task:
        from ptq_comparison.common.files import read_json, write_text
        from ptq_comparison.report.comparison import compare

        evaluations = [read_json(path) for path in task.input.evaluations]
        latency = read_json(task.input.latency) if task.input.latency else None
        comparison = compare(
            evaluations,
            latency,
            task.params.saturation_threshold,
            task.params.published_top1,
            read_json(task.input.diagnosis)["notes"],
            {path.stem: read_json(path) for path in task.input.references},
        )
        write_text(task.output.csv, comparison.csv)
        write_text(task.output.md, comparison.markdown)
        write_text(task.output.html, comparison.html)
        write_text(task.output.verdict, comparison.verdict + "\n")
        task.print(comparison.markdown)
