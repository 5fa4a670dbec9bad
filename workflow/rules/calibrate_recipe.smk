# needs  a float32 model, given or folded, and the calibration images
# makes  results/sweep/ranges/<method and options>.json, for all recipes that ask for them


rule calibrate_recipe:
    """Measure the ranges that some recipes share."""
    input:
        model=get_calibration_model,
        images="results/calibration/samples.npy",
        samples="results/calibration/samples.csv",
        # No recipe for a float32 model that does not know its own images.
        gate="results/calibration/fp32_accuracy.json",
    output:
        ranges="results/sweep/ranges/{calibration}.json",
    log:
        "results/logs/calibrate_recipe/{calibration}.log",
    benchmark:
        "results/benchmarks/calibrate_recipe/{calibration}.tsv"
    conda:
        "../../envs/onnx.yaml"
    # More would change the last digits of the ranges with the machine.
    threads: 1
    params:
        calibration=get_calibration,
        seed=config["calibration"]["seed"],
        batch_size=config["calibration"]["batch_size"],
        preprocessing=PREPROCESSING,
        code=get_code("calibrate_recipe"),
    script:
        "../scripts/calibrate_recipe.py"
