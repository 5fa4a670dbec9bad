"""Plot the accuracy of every model and its difference to float32, with intervals."""

if __name__ == "__main__":
    from pathlib import Path

    from ptq_comparison.common.job import job

    with job(snakemake.log[0], snakemake.rule):
        from ptq_comparison.common.files import read_json
        from ptq_comparison.report.figures.accuracy import plot_accuracy
        from ptq_comparison.report.figures.style import save

        evaluations = [read_json(Path(path)) for path in snakemake.input.evaluations]
        save(plot_accuracy(evaluations), Path(snakemake.output.figure))
