"""Plot how the confusion matrix changes against that of float32."""

if __name__ == "__main__":
    from pathlib import Path

    from ptq_comparison.job import job

    with job(snakemake.log[0], snakemake.rule):
        from ptq_comparison.figures.confusion import plot_confusion
        from ptq_comparison.figures.style import save
        from ptq_comparison.files import read_json

        evaluations = [read_json(Path(path)) for path in snakemake.input.evaluations]
        save(plot_confusion(evaluations), Path(snakemake.output.figure))
