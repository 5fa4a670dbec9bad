"""Plot how the confusion matrix changes against that of float32."""

if __name__ == "__main__":
    from pathlib import Path

    from ptq_comparison.common.job import job

    with job(snakemake.log[0], snakemake.rule):
        from ptq_comparison.common.files import read_json
        from ptq_comparison.report.figures.confusion import plot_confusion
        from ptq_comparison.report.figures.style import save

        evaluations = [read_json(Path(path)) for path in snakemake.input.evaluations]
        save(plot_confusion(evaluations), Path(snakemake.output.figure))
