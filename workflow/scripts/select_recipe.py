"""Choose the recipe that agrees best with float32 of those that the config allows."""

if __name__ == "__main__":
    import shutil
    from pathlib import Path

    from ptq_comparison.common.job import job

    with job(snakemake.log[0], snakemake.rule) as terminal:
        import numpy as np
        from ptq_comparison.common.csv_rows import read_rows
        from ptq_comparison.common.files import atomic_path, write_json
        from ptq_comparison.report.sweep import read_sweep
        from ptq_comparison.search.selection_summary import select_recipe

        predictions = {
            name: np.load(path)["predicted"]
            for name, path in zip(
                snakemake.params.recipes, snakemake.input.predictions, strict=True
            )
        }
        selection = select_recipe(
            read_sweep(Path(snakemake.input.sweep)),
            np.load(snakemake.input.baseline)["predicted"],
            predictions,
            snakemake.params.constraints,
            step_count=len(read_rows(Path(snakemake.input.curve))),
        )
        models = dict(zip(snakemake.params.recipes, snakemake.input.models, strict=True))
        write_json(Path(snakemake.output.selection), selection)
        with atomic_path(Path(snakemake.output.model)) as temporary:
            shutil.copyfile(models[selection["recipe"]], temporary)
        print(selection["reason"], file=terminal)
