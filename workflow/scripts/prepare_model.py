"""Check that the float32 model is sound, runs and fits the data set, and copy it.

It is changed only where it has to be: it is cut to the output that model.output names and converted
to the opset that model.opset asks for, weights in files beside it are taken into the one file that
all other jobs read, and what onnxruntime's quantizer would damage is put into another form. The log
and the metadata of the file tell what was changed.
"""

if __name__ == "__main__":
    import logging
    import shutil

    from ptq_comparison.common.job import job
    from ptq_comparison.model.first_run import first_run_limits

    with job(
        snakemake, limits=lambda task: first_run_limits(task.input.source, task.params.limits)
    ) as task:
        import onnx
        from ptq_comparison.common.files import atomic_path, check_sha256, read_json, sha256_file
        from ptq_comparison.datasets.stored import open_images
        from ptq_comparison.model.external_weights import external_files
        from ptq_comparison.model.interface import check_fits, read_interface
        from ptq_comparison.model.loading import load_model
        from ptq_comparison.model.metadata import write_metadata
        from ptq_comparison.model.opset import convert_opset, model_opset
        from ptq_comparison.model.outputs import cut_to_output
        from ptq_comparison.preparation.float_checks import (
            check_float_model,
            check_readable,
            check_runs,
        )
        from ptq_comparison.preparation.quantizable_form import inline_functions, quantizable_form
        from ptq_comparison.preparation.same_predictions import check_same_predictions
        from ptq_comparison.quantization.checks import check_per_channel

        source = task.input.source
        if task.params.sha256:
            check_sha256(source, task.params.sha256, key="model.sha256")
        dataset = read_json(task.input.dataset)
        changes: list[str] = []
        output = task.params.output
        given = load_model(source, lambda model: changes.extend(cut_to_output(model, output)))
        check_readable(given)
        model, inlined = inline_functions(given)
        changes += inlined
        least, needed_by = task.params.required_opset
        opset, reason = task.params.opset, "as model.opset asks"
        if opset is None:
            opset, reason = max(model_opset(model), least), f"for {needed_by}"
        if opset != model_opset(model):
            changes.append(f"converted from opset {model_opset(model)} to {opset}, {reason}")
            model = convert_opset(model, opset)
        check_float_model(model, *task.params.required_opset)
        model, formed = quantizable_form(model)
        changes += formed
        check_float_model(model, *task.params.required_opset)  # what was computed, too
        for excluded in task.params.excluded_by_channel:
            check_per_channel(model, "quantization", excluded)
        image, classes = tuple(dataset["image_shape"]), len(dataset["class_names"])
        preprocessing = task.params.preprocessing
        interface = read_interface(model, preprocessing["layout"])
        check_fits(interface, image, classes)
        check_runs(model, preprocessing, image, classes)
        logging.info("%s: %s", source.name, interface)
        if changes:
            images = open_images(task.input.images)
            difference = check_same_predictions(given, model, images, preprocessing)
            logging.info("predictions are the same, scores within %.2g", difference)
            line = f"{source}: {'; '.join(changes)}; the baseline is the model with this change"
            logging.warning(line)
            task.print(line)
            write_metadata(model, {"source_sha256": sha256_file(source), "preparation": changes})
        with atomic_path(task.output.model) as temporary:
            if changes or external_files(source):
                onnx.save(model, temporary)
            else:
                shutil.copyfile(source, temporary)
