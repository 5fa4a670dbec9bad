"""Plot agreement with float32 against speed, or size, of all recipes."""

if __name__ == "__main__":
    from pathlib import Path

    from ptq_comparison.job import job

    with job(snakemake.log[0], snakemake.rule):
        import pandas as pd
        from ptq_comparison.figures.style import save
        from ptq_comparison.figures.sweep import plot_sweep

        table = pd.read_csv(snakemake.input.sweep)
        save(plot_sweep(table), Path(snakemake.output.figure))
