"""Choose the recipe that the recipe auto starts from, and refine its weights."""

if __name__ == "__main__":
    import shutil
    from pathlib import Path

    from ptq_comparison.common.job import job

    with job(snakemake, reads_not_made=True, memory_key="calibration.batch_size") as task:
        import onnx
        from ptq_comparison.common.errors import UserError
        from ptq_comparison.common.files import atomic_path, write_json
        from ptq_comparison.common.not_made import read_not_made
        from ptq_comparison.config.recipes import quantization_options
        from ptq_comparison.model.graph import name_nodes
        from ptq_comparison.model.loading import load_model
        from ptq_comparison.quantization.float_nodes import with_float_nodes
        from ptq_comparison.quantization.quantize import check_recipe
        from ptq_comparison.refinement.make_model import refinement_batches
        from ptq_comparison.refinement.refine import refine
        from ptq_comparison.report.sweep import gather_sweep, made_recipes
        from ptq_comparison.search.base import choose_base

        def find(path: str, paths: list[Path]) -> Path:
            """Return an input of the rule, which in a module or a bucket lies deeper."""
            return next(found for found in paths if str(found).endswith(path))

        params = task.params
        name = next(iter(params.recipes))
        if task.input.evaluations:
            table = made_recipes(
                gather_sweep(
                    params.recipes, task.input.evaluations, params.timed, task.input.latencies
                )
            )
            name = choose_base(table, params.constraints)
        model_path = find(params.float_models[name], task.input.models)
        ranges_path = find(params.ranges[name], task.input.ranges)
        for path in (model_path, ranges_path):
            if reason := read_not_made(path):
                raise UserError(reason)
        model = name_nodes(load_model(model_path))
        recipe = with_float_nodes(model, params.recipes[name])
        check_recipe(model, f"recipes.{name}", quantization_options(recipe))
        batches = refinement_batches(model, task.input.images, params)
        with atomic_path(task.output.refined) as temporary:
            onnx.save(refine(model, ranges_path, recipe, batches), temporary)
        for given, output in (
            (model_path, task.output.model),
            (ranges_path, task.output.ranges),
        ):
            with atomic_path(output) as temporary:
                shutil.copyfile(given, temporary)
        write_json(task.output.base, {"name": name, "recipe": recipe})
        task.print(f"auto starts from {name}")
