"""Plot agreement with float32 against speed, or size, of all recipes."""

if __name__ == "__main__":
    from ptq_comparison.common.job import job

    with job(snakemake) as task:
        from ptq_comparison.report.figures.files import save
        from ptq_comparison.report.figures.sweep import plot_sweep
        from ptq_comparison.report.sweep import read_sweep

        table = read_sweep(task.input.sweep)
        params = task.params
        figure = plot_sweep(table, params.constraints, params.validation["short"])
        save(figure, task.output.figure, task.params.options)
