# needs  the training split
# makes  results/calibration/samples.csv and .npy: which images the ranges are measured on


rule sample_calibration:
    """Draw the calibration images from the training split, the same number of each class."""
    input:
        images="results/dataset/train_images.npy",
        labels="results/dataset/train_labels.npy",
        dataset="results/dataset/dataset.json",
    output:
        samples="results/calibration/samples.csv",
        images="results/calibration/samples.npy",
    log:
        "results/logs/sample_calibration.log",
    benchmark:
        "results/benchmarks/sample_calibration.tsv"
    conda:
        "../../envs/data.yaml"
    params:
        samples_per_class=config["calibration"]["samples_per_class"],
        seed=config["calibration"]["seed"],
        code=get_code("sample_calibration"),
    script:
        "../scripts/sample_calibration.py"
