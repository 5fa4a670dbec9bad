"""Plot how the confusion matrix changes against that of float32."""

if __name__ == "__main__":
    from ptq_comparison.common.job import job

    with job(snakemake) as task:
        from ptq_comparison.common.files import read_json
        from ptq_comparison.report.figures.confusion import plot_confusion
        from ptq_comparison.report.figures.style import save

        evaluations = [read_json(path) for path in task.input.evaluations]
        save(plot_confusion(evaluations), task.output.figure)
