# needs  the data set that the config names
# makes  results/dataset/: images (uint8, NHWC) and labels as .npy, and dataset.json


rule prepare_dataset:
    """Turn the data set into memory-mappable arrays."""
    input:
        source=get_dataset_source,
    output:
        train_images="results/dataset/train_images.npy",
        train_labels="results/dataset/train_labels.npy",
        test_images="results/dataset/test_images.npy",
        test_labels="results/dataset/test_labels.npy",
        dataset="results/dataset/dataset.json",
    log:
        "results/logs/prepare_dataset.log",
    benchmark:
        "results/benchmarks/prepare_dataset.tsv"
    conda:
        "../../envs/data.yaml"
    params:
        name=config["dataset"]["name"],
        sha256=config["dataset"]["sha256"],
        code=get_code("prepare_dataset"),
    script:
        "../scripts/prepare_dataset.py"
