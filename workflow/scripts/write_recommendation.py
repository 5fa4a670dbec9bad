"""Say which recipe to ship, why, what it gives on the test images, and how to use it."""

if __name__ == "__main__":
    from pathlib import Path

    from ptq_comparison.common.job import job

    # The recommended recipe was made, whatever became of others.
    with job(snakemake, reads_not_made=True) as task:
        import yaml
        from ptq_comparison.common.files import read_json, write_json, write_text
        from ptq_comparison.config.pinned import pin_recipe
        from ptq_comparison.config.recipes import AUTO
        from ptq_comparison.evaluation.evaluate import of_quantized
        from ptq_comparison.model.interface import read_interface
        from ptq_comparison.model.loading import load_model
        from ptq_comparison.quantization.plain_call import plain_call
        from ptq_comparison.report.code_sections import Use
        from ptq_comparison.report.comparison import comparison_table, main_table
        from ptq_comparison.report.model_card import model_card
        from ptq_comparison.report.plain_words import plain_words
        from ptq_comparison.report.recommendation import all_speeds, recommend
        from ptq_comparison.report.recommendation_lines import recommendation_lines
        from ptq_comparison.report.usage import ModelInput, usage_code

        def find(path: str, paths: list[Path]) -> Path:
            """Return an input of the rule, which in a module or a bucket lies deeper."""
            return next(found for found in paths if str(found).endswith(path))

        params, selection = task.params, read_json(task.input.selection)
        evaluation, dataset = read_json(task.input.evaluation), read_json(task.input.dataset)
        name, calibration = selection["recipe"], of_quantized(evaluation["calibration"])
        provenance = calibration["provenance"]
        # Of `auto`, the recipe that it starts from is known behind the search alone.
        base = read_json(task.input.base)["name"] if name == AUTO else name
        # The nodes in float32 stand there by name.
        recipe = {**params.recipes[base], **provenance["quantization"], "float_nodes": []}
        model = load_model(task.input.model)
        interface = read_interface(model, evaluation["preprocessing"]["layout"])
        pinned = pin_recipe(
            name,
            recipe,
            params.config,
            params.defaults,
            any("from opset" in change for change in provenance.get("preparation", [])),
        )
        use = Use(
            words=plain_words(recipe, calibration["images"], provenance.get("kept_in_float", ())),
            python=usage_code(
                str(task.input.model),
                ModelInput(
                    dataset["image_shape"],
                    interface.layout,
                    interface.batch,
                    interface.dtype,
                    interface.probability,
                ),
                evaluation["preprocessing"],
                dataset["geometry"],
                dataset["class_names"],
            ),
            quantize_static=plain_call(
                recipe,
                find(params.float_models[base], task.input.float_models),
                find(params.ranges[base], task.input.ranges),
                model,
            ),
            pinned=pinned,
            pinned_yaml=yaml.safe_dump(pinned.sections, sort_keys=False, allow_unicode=True),
            pinned_file=str(task.output.pinned),
        )
        evaluations = [read_json(path) for path in task.input.evaluations]
        latencies = [read_json(path) for path in task.input.latencies]
        recommendation = recommend(selection, evaluations, evaluation, latencies, use)
        write_json(task.output.json, recommendation.content)
        write_text(task.output.md, recommendation.markdown)
        write_text(task.output.html, recommendation.html)
        write_text(task.output.pinned, use.pinned_yaml)
        content = recommendation.content
        table = main_table(comparison_table([evaluations[0], evaluation], all_speeds(latencies)))
        card = model_card(content, evaluation, table, read_json(task.input.check))
        write_text(task.output.card, card)
        write_text(task.output.txt, "\n".join(recommendation_lines(content)) + "\n")
