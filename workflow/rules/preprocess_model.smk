# needs  results/models/fp32.onnx
# makes  results/models/preprocessed.onnx, when quantization.preprocess is on


rule preprocess_model:
    """Fold batch normalization and infer shapes before quantization."""
    input:
        model="results/models/fp32.onnx",
    output:
        model="results/models/preprocessed.onnx",
    log:
        "results/logs/preprocess_model.log",
    benchmark:
        "results/benchmarks/preprocess_model.tsv"
    conda:
        "../../envs/onnx.yaml"
    params:
        code=get_code("preprocess_model"),
    script:
        "../scripts/preprocess_model.py"
