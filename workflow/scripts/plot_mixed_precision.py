"""Plot what nodes in float32 bring and cost."""

if __name__ == "__main__":
    from ptq_comparison.common.job import job

    with job(snakemake) as task:
        from ptq_comparison.common.csv_rows import read_rows
        from ptq_comparison.report.figures.files import save
        from ptq_comparison.report.figures.mixed_precision import plot_mixed_precision

        rows = read_rows(task.input.curve)
        figure = plot_mixed_precision(rows, task.params.validation["short"])
        save(figure, task.output.figure, task.params.options)
