"""Leave nodes in float32 that are slower in 8 bits, and those that cost agreement."""

if __name__ == "__main__":
    import logging
    from functools import partial

    from ptq_comparison.common.job import job

    with job(snakemake, memory_key="evaluation.batch_size") as task:
        from types import SimpleNamespace

        import numpy as np
        from ptq_comparison.calibration.provenance import recipe_provenance
        from ptq_comparison.common.csv_rows import read_rows, write_rows
        from ptq_comparison.common.files import atomic_path, read_json
        from ptq_comparison.config.recipes import AUTO, quantization_options
        from ptq_comparison.datasets.sampling import spread
        from ptq_comparison.evaluation.latency import batches_by_setting
        from ptq_comparison.inference.batch_size import choose_batch_size
        from ptq_comparison.inference.batches import Batches
        from ptq_comparison.inference.model_inputs import Chosen
        from ptq_comparison.model.graph import name_nodes
        from ptq_comparison.model.loading import load_model
        from ptq_comparison.refinement.make_model import make_model
        from ptq_comparison.search.mixed_precision import (
            Search,
            choose_step,
            give_up,
            mix_precision,
        )
        from ptq_comparison.search.mixed_precision_speeds import compare_speed, time_steps
        from ptq_comparison.search.moves import possible_moves
        from ptq_comparison.search.results import is_made
        from ptq_comparison.search.sensitivity import rank
        from ptq_comparison.search.trial import Trial, exclude, quantizer

        params, ranges = task.params, task.input.ranges
        base = read_json(task.input.base)
        recipe, preprocessing = base["recipe"], params.preprocessing
        provenance = recipe_provenance(
            task.input.model, task.input.samples, ranges, preprocessing, recipe, AUTO
        )
        options = quantization_options(recipe)
        model, fp32 = name_nodes(load_model(task.input.model)), load_model(task.input.fp32)
        make = quantizer(model, ranges, provenance, options, load_model(task.input.refined))
        images = np.load(task.input.images, mmap_mode="r")
        with np.load(task.input.baseline) as arrays:
            scores, labels = arrays["scores"], arrays["labels"]
        size = choose_batch_size(model, images, params)
        chosen = spread(len(images), params.few)
        rows = read_rows(task.input.sensitivity)
        search = Search(
            Trial(make, Batches.of(images, model, preprocessing, size), scores),
            Trial(
                make,
                Batches.of(Chosen(images, chosen), model, preprocessing, size),
                scores[chosen],
            ),
            ranking := rank(rows),
            labels,
            None,
            {r["node"]: r["kl_divergence"] for r in rows if r["mode"] == "all_but" and is_made(r)},
        )
        if params.timed:
            settings = batches_by_setting(
                images,
                fp32,
                preprocessing,
                [params.timed_threads],
                [params.timed_batch_size],
                task.threads,
            )
            search.timer = partial(compare_speed, settings=settings, seconds=params.seconds / 4)
        steps = []
        moves = possible_moves(model, ranking)
        for step in mix_precision(search, moves, ranking, params.target_drop_pp):
            logging.info("%s", step.row)
            steps.append(step)
        if params.timed:
            steps = time_steps(steps, make, fp32, settings, params.seconds, None)

        bounds = SimpleNamespace(
            batch_size=params.calibration_batch_size,
            memory_mb=params.memory_mb,
            preprocessing=preprocessing,
        )
        with atomic_path(task.output.model) as temporary, atomic_path(task.output.check) as check:
            while True:
                number = choose_step(steps)
                excluding = exclude(options, steps[number].in_float)
                asked = {**recipe, "nodes_to_exclude": excluding["nodes_to_exclude"]}
                try:
                    make_model(
                        task.input.model,
                        task.input.samples,
                        ranges,
                        asked,
                        AUTO,
                        f"recipes.{base['name']}",
                        bounds,
                        temporary,
                        check,
                    )
                    break
                except Exception as error:
                    steps[number] = give_up(steps[number], error)
        steps[number].row["is_auto"] = 1
        write_rows(task.output.curve, [step.row for step in steps])
        kept = steps[number].row["nodes_in_float"]
        task.print(f"auto: {base['name']} with {kept} of {len(ranking)} nodes in float32")
