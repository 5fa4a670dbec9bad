# needs  all recipes on the validation images, and their speed
# makes  results/models/recommended.onnx, the check of its operators, the configuration that pins it,
#        and README.md, its model card; results/recommendation.json, .md, .html and .txt
#
# select_recipe -> (predict, evaluate) time_recommended -> write_recommendation


rule select_recipe:
    """Choose the fastest recipe of those that agree best with float32 and that the config allows."""
    input:
        sweep=get_sweep,
        models=expand("results/sweep/models/{recipe}.onnx", recipe=SWEPT),
        checks=expand("results/sweep/models/{recipe}.json", recipe=SWEPT),
        predictions=expand("results/sweep/predictions/{recipe}.npz", recipe=SWEPT),
        baseline="results/sweep/predictions/fp32.npz",
        # Its steps are tries, too.
        curve="results/mixed_precision.csv",
        fp32="results/models/fp32.onnx" if config["recommend"]["device"] else [],
        device=get_speed_device,
    output:
        selection="results/sweep/selection.json",
        model="results/models/recommended.onnx",
        check="results/models/recommended.json",
    log:
        "results/logs/select_recipe.log",
    benchmark:
        "results/benchmarks/select_recipe.tsv"
    conda:
        "../../envs/report.yaml"
    resources:
        mem_mb=get_small_memory,
    params:
        recipes=SWEPT,
        constraints=CONSTRAINTS,
        schema=get_speed_schema,
        validation=VALIDATION,
        code=get_code("select_recipe"),
    script:
        "../scripts/select_recipe.py"


use rule measure_latency as time_recommended with:
    input:
        models=expand("results/models/{model}.onnx", model=["fp32", RECOMMENDED]),
        images="results/dataset/test_images.npy",
        dataset="results/dataset/dataset.json",
    output:
        latency="results/recommended_latency.json",
    log:
        "results/logs/time_recommended.log",
    benchmark:
        "results/benchmarks/time_recommended.tsv"
    params:
        models=["fp32", RECOMMENDED],
        threads=config["latency"]["threads"][:1],
        batch_sizes=config["latency"]["batch_sizes"][:1],
        seconds=config["latency"]["seconds"],
        measures_memory=True,
        preprocessing=PREPROCESSING,
        code=get_code("measure_latency"),


rule write_recommendation:
    """Say which recipe to ship, why, what it gives on the test images, and how to use it."""
    input:
        model=f"results/models/{RECOMMENDED}.onnx",
        check=f"results/models/{RECOMMENDED}.json",
        dataset="results/dataset/dataset.json",
        # With which `quantize_static` alone is tried.
        float_models=sorted(set(map(get_float_model, RECIPES.values()))),
        ranges=sorted(set(map(get_recipe_ranges, RECIPES.values()))),
        selection="results/sweep/selection.json",
        # Of which `auto` was made.
        base="results/sensitivity/base.json",
        sweep="results/sweep.csv",
        evaluation=f"results/{RECOMMENDED}_eval.json",
        evaluations=expand("results/{model}_eval.json", model=CANDIDATES),
        latencies=(
            ["results/latency.json", "results/recommended_latency.json"]
            if MEASURES_LATENCY
            else []
        ),
    output:
        json="results/recommendation.json",
        md="results/recommendation.md",
        txt="results/recommendation.txt",
        pinned=f"results/models/{RECOMMENDED}.yaml",
        card="results/models/README.md",
        html=report(
            "results/recommendation.html",
            caption="../report/recommendation.rst",
            category="5 Recipes",
            labels={
                "content": "recommendation",
                "shows": "why, and on test images",
            },
        ),
    log:
        "results/logs/write_recommendation.log",
    benchmark:
        "results/benchmarks/write_recommendation.tsv"
    conda:
        "../../envs/report.yaml"
    resources:
        mem_mb=get_memory,
    params:
        recipes=RECIPES,
        float_models={name: get_float_model(r) for name, r in RECIPES.items()},
        ranges={name: get_recipe_ranges(recipe) for name, recipe in RECIPES.items()},
        config=without_secrets(config),
        defaults=DEFAULTS,
        validation=VALIDATION,  # for the caption
        code=get_code("write_recommendation"),
    script:
        "../scripts/write_recommendation.py"
