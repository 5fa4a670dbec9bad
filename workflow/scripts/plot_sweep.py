"""Plot agreement with float32 against speed, or size, of all recipes."""

if __name__ == "__main__":
    from pathlib import Path

    from ptq_comparison.common.job import job

    with job(snakemake.log[0], snakemake.rule):
        from ptq_comparison.report.figures.style import save
        from ptq_comparison.report.figures.sweep import plot_sweep
        from ptq_comparison.report.sweep import read_sweep

        table = read_sweep(Path(snakemake.input.sweep))
        save(plot_sweep(table), Path(snakemake.output.figure))
