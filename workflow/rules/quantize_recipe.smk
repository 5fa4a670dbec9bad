# needs  a float32 model, given or folded, ranges that belong to it, and the calibration images
# makes  results/sweep/models/<recipe>.onnx


rule quantize_recipe:
    """Quantize as a recipe asks for, weights and biases refined where it does."""
    input:
        model=get_recipe_model,
        ranges=get_recipe_ranges,
        images="results/calibration/samples.npy",
    output:
        model="results/sweep/models/{recipe}.onnx",
    log:
        "results/logs/quantize_recipe/{recipe}.log",
    benchmark:
        "results/benchmarks/quantize_recipe/{recipe}.tsv"
    wildcard_constraints:
        recipe="|".join(map(re.escape, RECIPES)),  # not auto
    conda:
        "../../envs/onnx.yaml"
    params:
        recipe=get_recipe,
        batch_size=config["calibration"]["batch_size"],
        preprocessing=PREPROCESSING,
        code=get_code("quantize_recipe"),
    script:
        "../scripts/quantize_recipe.py"
