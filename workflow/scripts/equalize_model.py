"""Scale the channels between layers of the folded model, before ranges are measured."""

if __name__ == "__main__":
    import logging

    from ptq_comparison.common.job import job

    with job(snakemake, memory_key="calibration.batch_size") as task:
        import numpy as np
        import onnx
        from ptq_comparison.common.errors import UserError
        from ptq_comparison.common.files import atomic_path
        from ptq_comparison.inference.batch_size import choose_batch_size
        from ptq_comparison.inference.batches import Batches
        from ptq_comparison.model.loading import load_model
        from ptq_comparison.model.metadata import read_metadata, write_metadata
        from ptq_comparison.preparation.equalization import equalize
        from ptq_comparison.preparation.same_predictions import check_same_predictions

        (method,), params = task.wildcards, task.params
        model = load_model(task.input.model)
        images = np.load(task.input.images, mmap_mode="r")
        size = choose_batch_size(model, images, params, fetches_all=True)
        batches = Batches.of(images, model, params.preprocessing, size)
        equalized, changes = equalize(model, batches, method)
        if not changes:
            raise UserError(
                f"quantization.equalization: {method}: the model has no two layers with only Relu, "
                "or another function of this kind, between them; set it to none"
            )
        difference = check_same_predictions(model, equalized, images, params.preprocessing)
        logging.info("%s; scores stay within %.2g", "; ".join(changes), difference)
        before = read_metadata(model).get("preparation", [])
        write_metadata(equalized, {"preparation": [*before, *changes]})
        with atomic_path(task.output.model) as temporary:
            onnx.save(equalized, temporary)
