"""Plot the accuracy of every model and its difference to float32, with intervals."""

if __name__ == "__main__":
    from ptq_comparison.common.job import job

    with job(snakemake) as task:
        from ptq_comparison.common.files import read_json
        from ptq_comparison.report.figures.accuracy import plot_accuracy
        from ptq_comparison.report.figures.style import save

        evaluations = [read_json(path) for path in task.input.evaluations]
        save(plot_accuracy(evaluations), task.output.figure)
