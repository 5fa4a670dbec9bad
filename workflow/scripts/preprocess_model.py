"""Fold batch normalization and infer shapes with onnxruntime's quant_pre_process."""

if __name__ == "__main__":
    import logging

    from ptq_comparison.common.job import job

    with job(snakemake) as task:
        import onnx
        from ptq_comparison.common.files import atomic_path
        from ptq_comparison.datasets.stored import open_images
        from ptq_comparison.model.loading import load_model
        from ptq_comparison.model.metadata import read_metadata, write_metadata
        from ptq_comparison.preparation.folding import preprocess_model
        from ptq_comparison.preparation.quantizable_form import quantizable_form
        from ptq_comparison.preparation.same_predictions import check_same_predictions

        model = load_model(task.input.model)
        # What onnxruntime puts together may again not be in a form for its quantizer.
        folded, changes = quantizable_form(preprocess_model(model))
        images = open_images(task.input.images)
        difference = check_same_predictions(model, folded, images, task.params.preprocessing)
        logging.info("predictions are the same, scores within %.2g", difference)
        if changes:
            logging.info("after folding: %s", "; ".join(changes))
            before = read_metadata(model).get("preparation", [])
            write_metadata(folded, {"preparation": [*before, *changes]})
        with atomic_path(task.output.model) as temporary:
            onnx.save(folded, temporary)
