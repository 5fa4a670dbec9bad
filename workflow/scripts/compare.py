"""Put all models into one table: CSV, Markdown and HTML, and the verdict into one sentence."""

if __name__ == "__main__":
    from ptq_comparison.common.job import job

    with job(snakemake) as task:
        from ptq_comparison.common.files import read_json, write_text
        from ptq_comparison.report.comparison import (
            TITLE,
            comparison_table,
            headline_speeds,
            readable_table,
            sortable_table,
            speed_table,
            to_markdown,
        )
        from ptq_comparison.report.comparison_notes import describe_run, saturation_warnings
        from ptq_comparison.report.page import to_page
        from ptq_comparison.report.verdict import verdict

        evaluations = [read_json(path) for path in task.input.evaluations]
        latency = read_json(task.input.latency) if task.input.latency else None
        speeds = headline_speeds(latency)
        sentence = verdict(evaluations, speeds)
        table = comparison_table(evaluations, speeds)
        notes = saturation_warnings(evaluations, task.params.saturation_threshold)
        notes += describe_run(evaluations, speeds, task.params.published_top1)
        markdown = to_markdown(sentence, readable_table(table), notes)
        tables = {"": sortable_table(table)}
        if latency:
            tables["Speed"] = speed_table(latency)
        write_text(task.output.csv, table.to_csv(index=False))
        write_text(task.output.md, markdown)
        write_text(task.output.html, to_page(TITLE, sentence, tables, notes))
        write_text(task.output.verdict, sentence + "\n")
        task.print(markdown)
