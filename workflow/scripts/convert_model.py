"""Convert a Keras model to ONNX, and check that it gives the same answers."""

if __name__ == "__main__":
    import logging

    from ptq_comparison.common.job import job
    from ptq_comparison.model.first_run import first_run_limits

    with job(
        snakemake,
        limits=lambda task: first_run_limits(task.input.source, task.params.limits, keras=True),
    ) as task:
        import onnx
        from ptq_comparison.common.files import (
            atomic_path,
            check_sha256,
            read_json,
            sha256_file,
            write_json,
        )
        from ptq_comparison.datasets.stored import open_images
        from ptq_comparison.model.interface import check_fits, read_interface
        from ptq_comparison.preparation.keras_conversion import OPSET, compare, convert, load_keras

        source = task.input.source
        if task.params.sha256:
            check_sha256(source, task.params.sha256, key="model.sha256")
        keras_model = load_keras(source)
        model = convert(keras_model, task.params.opset or OPSET)
        preprocessing = task.params.preprocessing
        dataset = read_json(task.input.dataset)
        # Before images are shown to it; prepare_model looks more closely at the result.
        interface = read_interface(model, preprocessing["layout"])
        check_fits(interface, tuple(dataset["image_shape"]), len(dataset["class_names"]))
        images = open_images(task.input.images)
        result = compare(keras_model, model, images, preprocessing)
        with atomic_path(task.output.model) as temporary:
            onnx.save(model, temporary)
        converted = task.output.model
        result |= {
            "source": source.name,
            "source_sha256": sha256_file(source),
            "bytes": converted.stat().st_size,
        }
        write_json(task.output.conversion, result)
        logging.info("%s: %s", source.name, result)
