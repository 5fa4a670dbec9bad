"""Put the evaluations of all models into one table: CSV, Markdown and HTML."""

if __name__ == "__main__":
    from pathlib import Path

    from ptq_comparison.job import job

    with job(snakemake.log[0], snakemake.rule) as terminal:
        from ptq_comparison.comparison import (
            comparison_table,
            describe_run,
            readable_table,
            to_html,
            to_markdown,
        )
        from ptq_comparison.files import atomic_path, read_json

        evaluations = [read_json(Path(path)) for path in snakemake.input.evaluations]
        table = comparison_table(evaluations)
        readable = readable_table(table)
        notes = describe_run(evaluations, snakemake.params.published_top1)
        markdown = to_markdown(readable, notes)
        contents = {
            snakemake.output.csv: table.to_csv(index=False),
            snakemake.output.md: markdown,
            snakemake.output.html: to_html(readable, notes),
        }
        for path, content in contents.items():
            with atomic_path(Path(path)) as temporary:
                temporary.write_text(content)
        print(markdown, file=terminal)
