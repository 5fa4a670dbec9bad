"""Put all models into one table: CSV, Markdown and HTML, and the verdict into one sentence."""

if __name__ == "__main__":
    from pathlib import Path

    from ptq_comparison.common.job import job

    with job(snakemake.log[0], snakemake.rule) as terminal:
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

        evaluations = [read_json(Path(path)) for path in snakemake.input.evaluations]
        latency = read_json(Path(snakemake.input.latency)) if snakemake.input.latency else None
        speeds = headline_speeds(latency)
        sentence = verdict(evaluations, speeds)
        table = comparison_table(evaluations, speeds)
        notes = saturation_warnings(evaluations, snakemake.params.saturation_threshold)
        notes += describe_run(evaluations, speeds, snakemake.params.published_top1)
        markdown = to_markdown(sentence, readable_table(table), notes)
        tables = {"": sortable_table(table)}
        if latency:
            tables["Speed"] = speed_table(latency)
        write_text(Path(snakemake.output.csv), table.to_csv(index=False))
        write_text(Path(snakemake.output.md), markdown)
        write_text(Path(snakemake.output.html), to_page(TITLE, sentence, tables, notes))
        write_text(Path(snakemake.output.verdict), sentence + "\n")
        print(markdown, file=terminal)
