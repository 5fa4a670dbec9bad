"""Plot what nodes in float32 bring and cost."""

if __name__ == "__main__":
    from pathlib import Path

    from ptq_comparison.common.job import job

    with job(snakemake.log[0], snakemake.rule):
        from ptq_comparison.common.csv_rows import read_rows
        from ptq_comparison.report.figures.mixed_precision import plot_mixed_precision
        from ptq_comparison.report.figures.style import save

        rows = read_rows(Path(snakemake.input.curve))
        figure = plot_mixed_precision(rows, snakemake.params.target_drop_pp)
        save(figure, Path(snakemake.output.figure))
