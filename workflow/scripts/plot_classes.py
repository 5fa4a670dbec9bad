"""Plot the accuracy of each class for all models."""

if __name__ == "__main__":
    from pathlib import Path

    from ptq_comparison.common.job import job

    with job(snakemake.log[0], snakemake.rule):
        from ptq_comparison.common.files import read_json
        from ptq_comparison.report.figures.classes import plot_classes
        from ptq_comparison.report.figures.style import save

        evaluations = [read_json(Path(path)) for path in snakemake.input.evaluations]
        save(plot_classes(evaluations), Path(snakemake.output.figure))
