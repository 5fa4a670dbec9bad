# needs  a model and the test split
# makes  results/predictions/<model>.npz, and .json: what it was made with


rule predict:
    """Run a model on all test images, a quantized one also without saturation."""
    input:
        model="results/models/{model}.onnx",
        images="results/dataset/test_images.npy",
        labels="results/dataset/test_labels.npy",
        dataset="results/dataset/dataset.json",
    output:
        predictions="results/predictions/{model}.npz",
        provenance="results/predictions/{model}.json",
    log:
        "results/logs/predict/{model}.log",
    benchmark:
        "results/benchmarks/predict/{model}.tsv"
    conda:
        "../../envs/onnx.yaml"
    # The models run side by side, a thread each; --set-threads predict=4 serves a large model.
    threads: 1
    params:
        batch_size=config["evaluation"]["batch_size"],
        preprocessing=PREPROCESSING,
        code=get_code("predict"),
    script:
        "../scripts/predict.py"
