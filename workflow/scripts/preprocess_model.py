"""Fold batch normalization and infer shapes with onnxruntime's quant_pre_process."""

if __name__ == "__main__":
    from pathlib import Path

    from ptq_comparison.job import job

    with job(snakemake.log[0], snakemake.rule):
        from ptq_comparison.models import load_model
        from ptq_comparison.quantization import preprocess_model

        preprocess_model(load_model(Path(snakemake.input.model)), Path(snakemake.output.model))
