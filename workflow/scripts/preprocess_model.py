"""Fold batch normalization and infer shapes with onnxruntime's quant_pre_process."""

if __name__ == "__main__":
    from ptq_comparison.common.job import job

    with job(snakemake) as task:
        from ptq_comparison.model.loading import load_model
        from ptq_comparison.preparation.folding import preprocess_model

        preprocess_model(load_model(task.input.model), task.output.model)
