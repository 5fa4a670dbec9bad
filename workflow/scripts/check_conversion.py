"""Check that the ONNX model that was made of a Keras model gives the same answers."""

if __name__ == "__main__":
    import logging

    from ptq_comparison.common.job import job
    from ptq_comparison.model.first_run import first_run_limits

    with job(
        snakemake,
        limits=lambda task: first_run_limits(task.input.source, task.params.limits, keras=True),
    ) as task:
        from importlib.metadata import version

        from ptq_comparison.common.files import read_json, sha256_file, write_json
        from ptq_comparison.datasets.stored import open_images
        from ptq_comparison.model.interface import check_fits, read_interface
        from ptq_comparison.model.loading import load_model
        from ptq_comparison.model.outputs import cut_to_output
        from ptq_comparison.preparation.conversion_check import compare
        from ptq_comparison.preparation.keras_reading import load_keras

        source, converted = task.input.source, task.input.model
        preprocessing = task.params.preprocessing
        output = task.params.output
        chosen = load_model(converted, lambda model: cut_to_output(model, output))
        dataset = read_json(task.input.dataset)
        # Before images are shown to it; prepare_model looks more closely at the result.
        interface = read_interface(chosen, preprocessing["layout"])
        check_fits(interface, tuple(dataset["image_shape"]), len(dataset["class_names"]))
        keras_model, reader = load_keras(source)
        images = open_images(task.input.images)
        result = compare(keras_model, load_model(converted), chosen, images, preprocessing)
        result |= {
            "source": source.name,
            "source_sha256": sha256_file(source),
            "bytes": converted.stat().st_size,
            "versions": {tool: version(tool) for tool in ("tf2onnx", "onnx", "onnxruntime")}
            | reader,
        }
        write_json(task.output.conversion, result)
        logging.info("%s: %s", source.name, result)
