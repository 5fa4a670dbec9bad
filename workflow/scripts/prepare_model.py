"""Check that the float32 model is sound, runs and fits the data set, and copy it unchanged.

Only when model.opset asks for another opset is it converted, weights in files beside it are taken
into the one file that all other jobs read, and weights that onnxruntime's quantizer would not find
are stored where it looks for them.
"""

if __name__ == "__main__":
    import logging
    import shutil

    from ptq_comparison.common.job import job

    with job(snakemake) as task:
        import onnx
        from ptq_comparison.common.files import atomic_path, check_sha256, read_json
        from ptq_comparison.model.external_weights import external_files
        from ptq_comparison.model.interface import check_fits, read_interface
        from ptq_comparison.model.loading import load_model
        from ptq_comparison.model.opset import convert_opset, model_opset
        from ptq_comparison.preparation.constant_weights import plain_weights
        from ptq_comparison.preparation.float_checks import check_float_model, check_runs

        source = task.input.source
        if task.params.sha256:
            check_sha256(source, task.params.sha256, key="model.sha256")
        dataset = read_json(task.input.dataset)
        model = load_model(source)
        opset = task.params.opset
        changes = []
        if opset is not None and opset != model_opset(model):
            asked = f"from opset {model_opset(model)} to {opset}, as model.opset asks"
            changes.append(f"converted {asked}")
            model = convert_opset(model, opset)
        check_float_model(model, *task.params.required_opset)
        model, stored = plain_weights(model)
        if stored:
            changes += stored
            check_float_model(model, *task.params.required_opset)  # what was computed, too
        image, classes = tuple(dataset["image_shape"]), len(dataset["class_names"])
        preprocessing = task.params.preprocessing
        interface = read_interface(model, preprocessing["layout"])
        check_fits(interface, image, classes)
        check_runs(model, preprocessing, image, classes)
        logging.info("%s: %s", source.name, interface)
        if changes:
            line = f"{source}: {'; '.join(changes)}; the baseline is the model with this change"
            logging.warning(line)
            task.print(line)
        with atomic_path(task.output.model) as temporary:
            if changes or external_files(source):
                onnx.save(model, temporary)
            else:
                shutil.copyfile(source, temporary)
