"""Plot the accuracy of each class for all models."""

if __name__ == "__main__":
    from ptq_comparison.common.job import job

    with job(snakemake) as task:
        from ptq_comparison.common.files import read_json
        from ptq_comparison.report.figures.classes import plot_classes
        from ptq_comparison.report.figures.style import save

        evaluations = [read_json(path) for path in task.input.evaluations]
        save(plot_classes(evaluations), task.output.figure)
