"""Make a model to compare with: float16, or int8 by dynamic quantization."""

if __name__ == "__main__":
    import logging

    from ptq_comparison.common.job import job

    with job(snakemake, memory_key="calibration.batch_size") as task:
        import numpy as np
        import onnx
        from ptq_comparison.common.files import atomic_path, write_json
        from ptq_comparison.inference.batch_size import choose_batch_size
        from ptq_comparison.inference.batches import Batches
        from ptq_comparison.inference.executed import optimized_graph, weight_types
        from ptq_comparison.model.loading import load_model
        from ptq_comparison.quantization.references import make_reference

        name, params = task.wildcards.reference, task.params
        model = load_model(task.input.model)
        images = np.load(task.input.images, mmap_mode="r")
        size = choose_batch_size(model, images, params)
        batches = Batches.of(images, model, params.preprocessing, size)
        made = make_reference(name, model, batches)
        with atomic_path(task.output.model) as temporary:
            onnx.save(made, temporary)
        types = weight_types(optimized_graph(made))
        logging.info("%s: onnxruntime multiplies by weights of %s", name, types)
        write_json(task.output.check, {"weight_types": types})
