"""Plot accuracy against throughput and size: what is won, and what it costs."""

if __name__ == "__main__":
    from pathlib import Path

    from ptq_comparison.common.job import job

    with job(snakemake.log[0], snakemake.rule):
        from ptq_comparison.common.files import read_json
        from ptq_comparison.report.figures.style import save
        from ptq_comparison.report.figures.tradeoff import plot_tradeoff
        from ptq_comparison.report.verdict import headline_speeds

        evaluations = [read_json(Path(path)) for path in snakemake.input.evaluations]
        latency = read_json(Path(snakemake.input.latency)) if snakemake.input.latency else None
        figure = plot_tradeoff(evaluations, headline_speeds(latency))
        save(figure, Path(snakemake.output.figure))
