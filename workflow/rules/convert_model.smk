# needs  a Keras model, and images to compare both on
# makes  results/models/converted.onnx, and conversion.json: how well it does what the Keras model does


rule convert_model:
    """Convert a Keras model to ONNX, and check that it gives the same answers."""
    input:
        source=get_model_file,
        images="results/dataset/train_images.npy",
        dataset="results/dataset/dataset.json",
    output:
        model="results/models/converted.onnx",
        conversion="results/models/conversion.json",
    log:
        "results/logs/convert_model.log",
    benchmark:
        "results/benchmarks/convert_model.tsv"
    conda:
        "../../envs/convert.yaml"
    params:
        sha256=get_model_sha256,
        opset=config["model"]["opset"],
        preprocessing=PREPROCESSING,
        code=get_code("convert_model"),
    script:
        "../scripts/convert_model.py"
