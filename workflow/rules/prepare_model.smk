# needs  the ONNX file that the config names, with its weights in it or beside it
# makes  results/models/fp32.onnx, the baseline


rule prepare_model:
    """Check that the float32 model is sound and fits the data set, and copy it."""
    input:
        source=get_model_source,
        weights=get_model_weights,
        dataset="results/dataset/dataset.json",
    output:
        model="results/models/fp32.onnx",
    log:
        "results/logs/prepare_model.log",
    benchmark:
        "results/benchmarks/prepare_model.tsv"
    conda:
        "../../envs/onnx.yaml"
    params:
        sha256=get_onnx_sha256,
        preprocessing=PREPROCESSING,
        opset=config["model"]["opset"],
        required_opset=required_opset(QUANTIZED.values()),
        code=get_code("prepare_model"),
    script:
        "../scripts/prepare_model.py"
