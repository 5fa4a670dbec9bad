"""Plot the range of each activation tensor and the share of its grid in use."""

if __name__ == "__main__":
    from pathlib import Path

    from ptq_comparison.common.job import job

    with job(snakemake.log[0], snakemake.rule):
        from ptq_comparison.common.files import read_json
        from ptq_comparison.report.figures.ranges import plot_ranges
        from ptq_comparison.report.figures.style import save

        activations = read_json(Path(snakemake.input.activations))
        save(plot_ranges(activations), Path(snakemake.output.figure))
