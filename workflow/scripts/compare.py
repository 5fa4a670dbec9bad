"""Put all models into one table: CSV, Markdown and HTML, and the verdict into one sentence."""

if __name__ == "__main__":
    from pathlib import Path

    from ptq_comparison.common.job import job

    with job(snakemake.log[0], snakemake.rule) as terminal:
        from ptq_comparison.common.files import read_json, write_text
        from ptq_comparison.report.comparison import compare

        evaluations = [read_json(Path(path)) for path in snakemake.input.evaluations]
        latency = read_json(Path(snakemake.input.latency)) if snakemake.input.latency else None
        comparison = compare(
            evaluations,
            latency,
            snakemake.params.saturation_threshold,
            snakemake.params.published_top1,
        )
        write_text(Path(snakemake.output.csv), comparison.csv)
        write_text(Path(snakemake.output.md), comparison.markdown)
        write_text(Path(snakemake.output.html), comparison.html)
        write_text(Path(snakemake.output.verdict), comparison.verdict + "\n")
        print(comparison.markdown, file=terminal)
