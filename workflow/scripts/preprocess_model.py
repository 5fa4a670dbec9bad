"""Fold batch normalization and infer shapes with onnxruntime's quant_pre_process."""

if __name__ == "__main__":
    from pathlib import Path

    from ptq_comparison.common.job import job

    with job(snakemake.log[0], snakemake.rule):
        from ptq_comparison.model.loading import load_model
        from ptq_comparison.preparation.folding import preprocess_model

        preprocess_model(load_model(Path(snakemake.input.model)), Path(snakemake.output.model))
