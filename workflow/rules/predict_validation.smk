# needs  the float32 model and the validation images
# makes  results/sweep/predictions/fp32.npz, which recipes are compared with


rule predict_validation:
    """Run the float32 model on the validation images."""
    input:
        model="results/models/fp32.onnx",
        images="results/sweep/validation.npy",
        samples="results/sweep/validation.csv",
        dataset="results/dataset/dataset.json",
    output:
        predictions="results/sweep/predictions/fp32.npz",
    log:
        "results/logs/predict_validation.log",
    benchmark:
        "results/benchmarks/predict_validation.tsv"
    conda:
        "../../envs/onnx.yaml"
    params:
        batch_size=config["evaluation"]["batch_size"],
        preprocessing=PREPROCESSING,
        code=get_code("predict_validation"),
    script:
        "../scripts/predict_validation.py"
