# needs  all recipes on the validation images, and their speed; no test image
# makes  results/sweep/selection.json, and results/models/recommended.onnx, the model of that recipe


rule select_recipe:
    """Choose the recipe that agrees best with float32 of those that the config allows."""
    input:
        sweep=get_sweep,
        models=expand("results/sweep/models/{recipe}.onnx", recipe=SWEPT),
        predictions=expand("results/sweep/predictions/{recipe}.npz", recipe=SWEPT),
        baseline="results/sweep/predictions/fp32.npz",
        # Its steps are tries, too.
        curve="results/sweep/mixed_precision.csv",
    output:
        selection="results/sweep/selection.json",
        model="results/models/recommended.onnx",
    log:
        "results/logs/select_recipe.log",
    benchmark:
        "results/benchmarks/select_recipe.tsv"
    conda:
        "../../envs/report.yaml"
    params:
        recipes=SWEPT,
        constraints=config["recommend"],
        code=get_code("select_recipe"),
    script:
        "../scripts/select_recipe.py"
