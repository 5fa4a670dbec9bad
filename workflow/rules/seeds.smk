# needs  the data set, the float32 models and their predictions, and for recipes the selection
# makes  results/calibration_seeds/: what each draw of calibration images gives;
#        results/calibration_seeds.csv, .md and .html, and the figure
#
# evaluate_draw, evaluate_recommended_draw -> gather_draws -> plot_calibration_seeds
#
# The models of other draws are not kept. What is recommended does not depend on them.


rule evaluate_draw:
    """Calibrate, quantize and test all configured models with one draw of calibration images."""
    input:
        images="results/dataset/train_images.npy",
        labels="results/dataset/train_labels.npy",
        dataset="results/dataset/dataset.json",
        float_models=[get_float_model(config["quantization"])],
        # Those of a sweep, for its recipes.
        selection=[],
        models=[],
        test_images="results/dataset/test_images.npy",
        test_labels="results/dataset/test_labels.npy",
        baseline="results/predictions/fp32.npz",
        accuracy="results/calibration/fp32_accuracy.json",
    output:
        draw="results/calibration_seeds/configured/{seed}.json",
    log:
        "results/logs/evaluate_draw/{seed}.log",
    benchmark:
        "results/benchmarks/evaluate_draw/{seed}.tsv"
    wildcard_constraints:
        seed=r"\d+",
    conda:
        "../../envs/onnx.yaml"
    # The draws run side by side, a thread each.
    threads: 1
    resources:
        mem_mb=get_memory,
    params:
        recipes=QUANTIZED,
        most=0,
        per_class=config["calibration"]["samples_per_class"],
        total=config["calibration"]["samples"],
        calibration_batch_size=config["calibration"]["batch_size"],
        batch_size=config["evaluation"]["batch_size"],
        memory_mb=config["memory_mb"],
        preprocessing=PREPROCESSING,
        code=get_code("evaluate_draw"),
    script:
        "../scripts/evaluate_draw.py"


# The recommended recipe, and those that the validation images cannot tell from it.
use rule evaluate_draw as evaluate_recommended_draw with:
    input:
        images="results/dataset/train_images.npy",
        labels="results/dataset/train_labels.npy",
        dataset="results/dataset/dataset.json",
        float_models=sorted(set(map(get_float_model, RECIPES.values()))),
        selection="results/sweep/selection.json",
        # Their metadata tell the recipes, with the nodes that a search has left in float32.
        models=expand("results/sweep/models/{recipe}.onnx", recipe=SWEPT),
        test_images="results/dataset/test_images.npy",
        test_labels="results/dataset/test_labels.npy",
        baseline="results/predictions/fp32.npz",
        accuracy="results/calibration/fp32_accuracy.json",
    output:
        draw="results/calibration_seeds/recommended/{seed}.json",
    log:
        "results/logs/evaluate_recommended_draw/{seed}.log",
    benchmark:
        "results/benchmarks/evaluate_recommended_draw/{seed}.tsv"
    params:
        most=config["calibration"]["seeded_recipes"],
        per_class=config["calibration"]["samples_per_class"],
        total=config["calibration"]["samples"],
        calibration_batch_size=config["calibration"]["batch_size"],
        batch_size=config["evaluation"]["batch_size"],
        memory_mb=config["memory_mb"],
        preprocessing=PREPROCESSING,
        code=get_code("evaluate_draw"),


rule gather_draws:
    """Tell how far the results of all draws of calibration images lie apart."""
    input:
        configured=CONFIGURED_DRAWS,
        recommended=RECOMMENDED_DRAWS,
    output:
        csv="results/calibration_seeds.csv",
        md="results/calibration_seeds.md",
        html=report(
            "results/calibration_seeds.html",
            caption="../report/calibration_seeds.rst",
            category="3 Calibration",
            labels={
                "content": "draws of calibration images",
                "shows": "mean, deviation and range",
            },
        ),
    log:
        "results/logs/gather_draws.log",
    benchmark:
        "results/benchmarks/gather_draws.tsv"
    conda:
        "../../envs/report.yaml"
    resources:
        mem_mb=get_small_memory,
    params:
        code=get_code("gather_draws"),
    script:
        "../scripts/gather_draws.py"


rule plot_calibration_seeds:
    """Plot what each draw of calibration images gives."""
    input:
        configured=CONFIGURED_DRAWS,
        recommended=RECOMMENDED_DRAWS,
    output:
        figure=report(
            "results/figures/calibration_seeds.svg",
            caption="../report/calibration_seeds_figure.rst",
            category="3 Calibration",
            labels={
                "content": "draws of calibration images",
                "shows": "each draw, by model",
            },
        ),
        more=expand("results/figures/calibration_seeds.{format}", format=MORE_FORMATS),
    log:
        "results/logs/plot_calibration_seeds.log",
    benchmark:
        "results/benchmarks/plot_calibration_seeds.tsv"
    conda:
        "../../envs/report.yaml"
    resources:
        mem_mb=get_small_memory,
    params:
        options=config["figures"],
        code=get_code("plot_calibration_seeds"),
    script:
        "../scripts/plot_calibration_seeds.py"
