"""Plot agreement with float32 against speed, or size, of all recipes."""

if __name__ == "__main__":
    from ptq_comparison.common.job import job

    with job(snakemake, reads_not_made=True) as task:
        from ptq_comparison.report.figures.files import save
        from ptq_comparison.report.figures.sweep import plot_sweep
        from ptq_comparison.report.sweep import made_recipes, read_sweep, reasons_not_made
        from ptq_comparison.search.device_speeds import COLUMNS, device_speeds
        from ptq_comparison.search.told_apart import read_agreements

        table, where = read_sweep(task.input.sweep), None
        if task.input.device:
            made, device = device_speeds(task, made_recipes(table))
            table.loc[made.index, list(COLUMNS)] = made[list(COLUMNS)]
            where = device["name"]
        agrees = read_agreements(
            task.params.recipes,
            task.input.predictions,
            task.input.baseline,
            reasons_not_made(table),
        )
        params = task.params
        note = params.validation["short"]
        figure = plot_sweep(table, params.constraints, agrees, note, device=where)
        save(figure, task.output.figure, task.params.options)
