"""Choose the recipe that agrees best with float32 of those that the config allows."""

if __name__ == "__main__":
    import shutil

    from ptq_comparison.common.job import job

    with job(snakemake) as task:
        import numpy as np
        from ptq_comparison.common.csv_rows import read_rows
        from ptq_comparison.common.files import atomic_path, write_json
        from ptq_comparison.report.sweep import read_sweep
        from ptq_comparison.search.selection import select
        from ptq_comparison.search.selection_summary import describe_selection

        table, constraints = read_sweep(task.input.sweep), task.params.constraints
        fp32 = np.load(task.input.baseline)["predicted"]
        agrees = {
            name: np.load(path)["predicted"] == fp32
            for name, path in zip(task.params.recipes, task.input.predictions, strict=True)
        }
        step_count = len(read_rows(task.input.curve))
        selected = select(table, constraints)
        selection = describe_selection(table, *selected, agrees, constraints, step_count)
        models = dict(zip(task.params.recipes, task.input.models, strict=True))
        write_json(task.output.selection, selection)
        with atomic_path(task.output.model) as temporary:
            shutil.copyfile(models[selection["recipe"]], temporary)
        task.print(selection["reason"])
