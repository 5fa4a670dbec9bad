# needs  the model of a recipe, and float32's answers on the validation images
# makes  results/sweep/<recipe>_eval.json, and its answers in results/sweep/predictions


rule evaluate_recipe:
    """Compare a recipe with float32 on the validation images; the test images stay out."""
    input:
        model="results/sweep/models/{recipe}.onnx",
        images="results/sweep/validation.npy",
        baseline="results/sweep/predictions/fp32.npz",
    output:
        evaluation="results/sweep/{recipe}_eval.json",
        predictions="results/sweep/predictions/{recipe}.npz",
    log:
        "results/logs/evaluate_recipe/{recipe}.log",
    benchmark:
        "results/benchmarks/evaluate_recipe/{recipe}.tsv"
    conda:
        "../../envs/onnx.yaml"
    params:
        batch_size=config["evaluation"]["batch_size"],
        preprocessing=PREPROCESSING,
        code=get_code("evaluate_recipe"),
    script:
        "../scripts/evaluate_recipe.py"
