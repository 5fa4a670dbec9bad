# needs  the training split and the calibration images
# makes  results/sweep/validation.csv and .npy: the images that recipes are chosen on


rule sample_validation:
    """Draw validation images from what calibration leaves of the training split."""
    input:
        images="results/dataset/train_images.npy",
        labels="results/dataset/train_labels.npy",
        dataset="results/dataset/dataset.json",
        calibration="results/calibration/samples.csv",
    output:
        samples="results/sweep/validation.csv",
        images="results/sweep/validation.npy",
    log:
        "results/logs/sample_validation.log",
    benchmark:
        "results/benchmarks/sample_validation.tsv"
    conda:
        "../../envs/data.yaml"
    params:
        per_class=config["sweep"]["validation_per_class"],
        seed=config["calibration"]["seed"],
        code=get_code("sample_validation"),
    script:
        "../scripts/sample_validation.py"
