"""Fold batch normalization and infer shapes before quantization."""

if __name__ == "__main__":
    import logging

    from ptq_comparison.common.job import job

    with job(snakemake) as task:
        import onnx
        from ptq_comparison.common.files import atomic_path
        from ptq_comparison.datasets.stored import open_images
        from ptq_comparison.model.loading import load_model
        from ptq_comparison.model.metadata import read_metadata, write_metadata
        from ptq_comparison.preparation.folding import fold_model

        model = load_model(task.input.model)
        images = open_images(task.input.images)
        folded, changes = fold_model(model, images, task.params.preprocessing)
        if changes:
            logging.info("after folding: %s", "; ".join(changes))
            before = read_metadata(model).get("preparation", [])
            write_metadata(folded, {"preparation": [*before, *changes]})
        with atomic_path(task.output.model) as temporary:
            onnx.save(folded, temporary)
