"""Convert a Keras model to ONNX."""

if __name__ == "__main__":
    import logging

    from ptq_comparison.common.job import job
    from ptq_comparison.model.first_run import first_run_limits

    with job(
        snakemake,
        limits=lambda task: first_run_limits(task.input.source, task.params.limits, keras=True),
    ) as task:
        import onnx
        from ptq_comparison.common.files import atomic_path, check_sha256
        from ptq_comparison.preparation.keras_conversion import OPSET, convert
        from ptq_comparison.preparation.keras_reading import load_keras

        source = task.input.source
        if task.params.sha256:
            check_sha256(source, task.params.sha256, key="model.sha256")
        keras_model, reader = load_keras(source)
        model = convert(keras_model, task.params.opset or OPSET)
        logging.info("%s: read by %s, %d nodes of ONNX", source.name, reader, len(model.graph.node))
        with atomic_path(task.output.model) as temporary:
            onnx.save(model, temporary)
