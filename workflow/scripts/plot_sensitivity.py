"""Plot what each node costs, quantized alone and left out."""

if __name__ == "__main__":
    from ptq_comparison.common.job import job

    with job(snakemake) as task:
        from ptq_comparison.common.csv_rows import read_rows
        from ptq_comparison.report.figures.files import save
        from ptq_comparison.report.figures.sensitivity import plot_sensitivity

        rows = read_rows(task.input.sensitivity)
        figure = plot_sensitivity(rows, task.params.validation["short"])
        save(figure, task.output.figure, task.params.options)
