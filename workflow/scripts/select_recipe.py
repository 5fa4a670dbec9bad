"""Choose the fastest recipe of those that agree best with float32 and that the config allows."""

if __name__ == "__main__":
    import shutil

    from ptq_comparison.common.job import job

    with job(snakemake, reads_not_made=True) as task:
        from ptq_comparison.common.csv_rows import read_rows
        from ptq_comparison.common.files import atomic_path, write_json
        from ptq_comparison.common.not_made import read_not_made
        from ptq_comparison.report.sweep import made_recipes, read_sweep, reasons_not_made
        from ptq_comparison.search.device_speeds import describe_speed_device, device_speeds
        from ptq_comparison.search.selection import select
        from ptq_comparison.search.selection_summary import describe_selection
        from ptq_comparison.search.told_apart import read_agreements

        sweep, constraints = read_sweep(task.input.sweep), task.params.constraints
        table, reasons = made_recipes(sweep), reasons_not_made(sweep)
        device = None
        if task.input.device:
            table, device = device_speeds(task, table)
        agrees = read_agreements(
            task.params.recipes, task.input.predictions, task.input.baseline, reasons
        )
        step_count = 0  # where auto could not be made
        if read_not_made(task.input.curve) is None:
            step_count = read_rows(task.input.curve)[-1]["tries"]
        selected = select(table, constraints, len(reasons), agrees)
        selection = describe_selection(table, *selected, agrees, constraints, step_count, reasons)
        validation = task.params.validation
        selection["validation"]["images"] = validation
        selection["reason"] += f" {validation['note']}"
        if device:
            selection["device"] = device
            selection["reason"] += f" {describe_speed_device(device, len(table), constraints)}"
        chosen = task.params.recipes.index(selection["recipe"])
        write_json(task.output.selection, selection)
        for given, output in (
            (task.input.models, task.output.model),
            (task.input.checks, task.output.check),
        ):
            with atomic_path(output) as temporary:
                shutil.copyfile(given[chosen], temporary)
        task.print(selection["reason"])
