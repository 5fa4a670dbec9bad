"""Put the evaluations of all models into one table: CSV, Markdown and HTML."""

if __name__ == "__main__":
    from pathlib import Path

    from ptq_comparison.job import job

    with job(snakemake.log[0], snakemake.rule) as terminal:
        from ptq_comparison.comparison import (
            comparison_table,
            describe_run,
            readable_table,
            saturation_warnings,
            to_html,
            to_markdown,
        )
        from ptq_comparison.files import read_json, write_text

        evaluations = [read_json(Path(path)) for path in snakemake.input.evaluations]
        table = comparison_table(evaluations)
        readable = readable_table(table)
        notes = saturation_warnings(evaluations, snakemake.params.saturation_threshold)
        notes += describe_run(evaluations, snakemake.params.published_top1)
        markdown = to_markdown(readable, notes)
        write_text(Path(snakemake.output.csv), table.to_csv(index=False))
        write_text(Path(snakemake.output.md), markdown)
        write_text(Path(snakemake.output.html), to_html(readable, notes))
        print(markdown, file=terminal)
