# needs  the recipes, the float32 models, calibration and validation images
# makes  results/sweep/: a model, predictions, an evaluation and times for each recipe;
#        results/sweep.csv and .html
#
# predict_validation, calibrate_recipe -> quantize_recipe (evaluate_recipe for auto), time_recipes
# -> gather_sweep
#
# A recipe that cannot be made ends no run: its rules are `one_of_many` (see common/job.py), and its
# files are markers with the reason, up to the table.


use rule calibrate as calibrate_recipe with:
    input:
        model=lambda wildcards: get_float_model(CALIBRATIONS[wildcards.calibration]),
        images="results/calibration/samples.npy",
        samples="results/calibration/samples.csv",
        accuracy="results/calibration/fp32_accuracy.json",
        # Nothing is tried before it is known that images are left to choose on. It is not ancient():
        # where the file is made again, Snakemake 9.27 then overlooks all other reasons to run.
        validation="results/sweep/validation.csv",
    output:
        ranges="results/sweep/ranges/{calibration}.json",
    log:
        "results/logs/calibrate_recipe/{calibration}.log",
    benchmark:
        "results/benchmarks/calibrate_recipe/{calibration}.tsv"
    params:
        one_of_many=True,
        calibration=lambda wildcards: CALIBRATIONS[wildcards.calibration],
        seed=config["calibration"]["seed"],
        batch_size=config["calibration"]["batch_size"],
        memory_mb=config["memory_mb"],
        preprocessing=PREPROCESSING,
        code=get_code("calibrate"),


rule quantize_recipe:
    """Quantize as a recipe asks for, and compare with float32 on the validation images."""
    input:
        model=lambda wildcards: get_float_model(RECIPES[wildcards.recipe]),
        ranges=lambda wildcards: get_recipe_ranges(RECIPES[wildcards.recipe]),
        images="results/calibration/samples.npy",
        samples="results/calibration/samples.csv",
        validation="results/sweep/validation.npy",
        baseline="results/sweep/predictions/fp32.npz",
    output:
        model="results/sweep/models/{recipe}.onnx",
        check="results/sweep/models/{recipe}.json",
        predictions="results/sweep/predictions/{recipe}.npz",
        provenance="results/sweep/predictions/{recipe}.json",
        evaluation="results/sweep/{recipe}_eval.json",
    log:
        "results/logs/quantize_recipe/{recipe}.log",
    benchmark:
        "results/benchmarks/quantize_recipe/{recipe}.tsv"
    wildcard_constraints:
        recipe="|".join(map(re.escape, RECIPES)),  # not auto
    conda:
        "../../envs/onnx.yaml"
    resources:
        mem_mb=get_memory,
    params:
        one_of_many=True,
        recipe=lambda wildcards: RECIPES[wildcards.recipe],
        section="recipes.{recipe}",
        seed=config["calibration"]["seed"],
        validation=VALIDATION,
        batch_size=config["calibration"]["batch_size"],
        evaluation_batch_size=config["evaluation"]["batch_size"],
        memory_mb=config["memory_mb"],
        preprocessing=PREPROCESSING,
        code=get_code("quantize_recipe"),
    script:
        "../scripts/quantize_recipe.py"


use rule predict as predict_validation with:
    input:
        model="results/models/fp32.onnx",
        images="results/sweep/validation.npy",
        labels="results/sweep/validation.csv",
        dataset="results/dataset/dataset.json",
    output:
        predictions="results/sweep/predictions/{float}.npz",
        provenance="results/sweep/predictions/{float}.json",
    log:
        "results/logs/predict_validation/{float}.log",
    benchmark:
        "results/benchmarks/predict_validation/{float}.tsv"
    wildcard_constraints:
        float="fp32",
    params:
        split="validation",
        checks_saturation=False,
        batch_size=config["evaluation"]["batch_size"],
        memory_mb=config["memory_mb"],
        preprocessing=PREPROCESSING,
        code=get_code("predict"),


rule evaluate_recipe:
    """Compare the recipe auto with float32 on the validation images."""
    input:
        model="results/sweep/models/{recipe}.onnx",
        images="results/sweep/validation.npy",
        baseline="results/sweep/predictions/fp32.npz",
    output:
        predictions="results/sweep/predictions/{recipe}.npz",
        provenance="results/sweep/predictions/{recipe}.json",
        evaluation="results/sweep/{recipe}_eval.json",
    log:
        "results/logs/evaluate_recipe/{recipe}.log",
    benchmark:
        "results/benchmarks/evaluate_recipe/{recipe}.tsv"
    wildcard_constraints:
        recipe=AUTO,
    conda:
        "../../envs/onnx.yaml"
    resources:
        mem_mb=get_memory,
    params:
        one_of_many=True,
        validation=VALIDATION,
        batch_size=config["evaluation"]["batch_size"],
        memory_mb=config["memory_mb"],
        preprocessing=PREPROCESSING,
        code=get_code("evaluate_recipe"),
    script:
        "../scripts/evaluate_recipe.py"


# Several in one job: in turn with each other, and the start of a process costs a second.
use rule measure_latency as time_recipes with:
    input:
        models=lambda wildcards: [
            "results/models/fp32.onnx",
            *(
                f"results/sweep/models/{name}.onnx"
                for name in BATCHES[wildcards.batch]
            ),
        ],
        images="results/sweep/validation.npy",
    output:
        latency="results/sweep/latency/{batch}.json",
    log:
        "results/logs/time_recipes/{batch}.log",
    benchmark:
        "results/benchmarks/time_recipes/{batch}.tsv"
    params:
        one_of_many=True,
        models=lambda wildcards: ["fp32", *BATCHES[wildcards.batch]],
        threads=config["latency"]["threads"][:1],
        batch_sizes=config["latency"]["batch_sizes"][:1],
        seconds=config["sweep"]["seconds"],
        measures_memory=False,
        preprocessing=PREPROCESSING,
        code=get_code("measure_latency"),


rule gather_sweep:
    """Put all recipes into one table, the best first."""
    input:
        evaluations=expand("results/sweep/{recipe}_eval.json", recipe=SWEPT),
        latencies=get_latencies(SWEPT),
    output:
        csv="results/sweep.csv",
        html=report(
            "results/sweep.html",
            caption="../report/sweep.rst",
            category="5 Recipes",
            labels={"content": "all recipes", "shows": "validation and speed"},
        ),
    log:
        "results/logs/gather_sweep.log",
    benchmark:
        "results/benchmarks/gather_sweep.tsv"
    conda:
        "../../envs/report.yaml"
    resources:
        mem_mb=get_small_memory,
    params:
        recipes=SWEPT,
        timed={recipe: TIMED[recipe] for recipe in SWEPT},
        validation=VALIDATION,
        code=get_code("gather_sweep"),
    script:
        "../scripts/gather_sweep.py"
