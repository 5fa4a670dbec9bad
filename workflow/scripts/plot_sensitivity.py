"""Plot what each node costs, quantized alone and left out."""

if __name__ == "__main__":
    from pathlib import Path

    from ptq_comparison.common.job import job

    with job(snakemake.log[0], snakemake.rule):
        from ptq_comparison.common.csv_rows import read_rows
        from ptq_comparison.report.figures.sensitivity import plot_sensitivity
        from ptq_comparison.report.figures.style import save

        rows = read_rows(Path(snakemake.input.sensitivity))
        save(plot_sensitivity(rows), Path(snakemake.output.figure))
