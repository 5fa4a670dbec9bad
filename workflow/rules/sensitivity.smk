# needs  the recipes with their ranges, validation and speed, and float32's validation predictions
# makes  results/sensitivity/base.*: the recipe that is taken apart; results/sensitivity.csv: what
#        each node costs; results/mixed_precision.csv: what float32 nodes bring;
#        results/sweep/models/auto.onnx
#
# choose_base -> measure_sensitivity -> gather_sensitivity -> mix_precision
#
# All of them are `one_of_many`, since `auto` is one recipe of the sweep. The figures are not: the
# target `sensitivity` ends where the recipe that it takes apart cannot be made.


# More jobs serve a large model on a cluster: --set-scatter sensitivity=16
scattergather:
    sensitivity=4,


rule choose_base:
    """Choose the recipe that `auto` starts from: the best one, with its refined weights."""
    input:
        models=sorted(set(map(get_float_model, BASES.values()))),
        ranges=sorted(set(map(get_recipe_ranges, BASES.values()))),
        # One recipe alone need not be compared.
        evaluations=(
            expand("results/sweep/{recipe}_eval.json", recipe=BASES)
            if len(BASES) > 1
            else []
        ),
        latencies=get_latencies(BASES) if len(BASES) > 1 else [],
        images="results/calibration/samples.npy",
    output:
        base="results/sensitivity/base.json",
        model="results/sensitivity/base.onnx",
        refined="results/sensitivity/refined.onnx",
        ranges="results/sensitivity/ranges.json",
    log:
        "results/logs/choose_base.log",
    benchmark:
        "results/benchmarks/choose_base.tsv"
    conda:
        "../../envs/report.yaml"
    resources:
        mem_mb=get_memory,
    params:
        one_of_many=True,
        recipes=BASES,
        timed={name: TIMED[name] for name in BASES},
        float_models={name: get_float_model(r) for name, r in BASES.items()},
        ranges={name: get_recipe_ranges(recipe) for name, recipe in BASES.items()},
        constraints=CONSTRAINTS,
        batch_size=config["calibration"]["batch_size"],
        memory_mb=config["memory_mb"],
        preprocessing=PREPROCESSING,
        code=get_code("choose_base"),
    script:
        "../scripts/choose_base.py"


rule measure_sensitivity:
    """Quantize one node at a time, and all but one, for a share of the nodes."""
    input:
        base="results/sensitivity/base.json",
        model="results/sensitivity/base.onnx",
        refined="results/sensitivity/refined.onnx",
        ranges="results/sensitivity/ranges.json",
        samples="results/calibration/samples.npy",
        images="results/sweep/validation.npy",
        baseline="results/sweep/predictions/fp32.npz",
    output:
        rows="results/sensitivity/{scatteritem}.json",
    log:
        "results/logs/measure_sensitivity/{scatteritem}.log",
    benchmark:
        "results/benchmarks/measure_sensitivity/{scatteritem}.tsv"
    conda:
        "../../envs/onnx.yaml"
    # The shares run side by side, a thread each.
    threads: 1
    resources:
        mem_mb=get_memory,
    params:
        one_of_many=True,
        images=config["sensitivity"]["images"],
        batch_size=config["evaluation"]["batch_size"],
        memory_mb=config["memory_mb"],
        preprocessing=PREPROCESSING,
        code=get_code("measure_sensitivity"),
    script:
        "../scripts/measure_sensitivity.py"


rule gather_sensitivity:
    """Rank the nodes by what they cost when they alone are quantized."""
    input:
        shares=gather.sensitivity("results/sensitivity/{scatteritem}.json"),
    output:
        csv="results/sensitivity.csv",
    log:
        "results/logs/gather_sensitivity.log",
    benchmark:
        "results/benchmarks/gather_sensitivity.tsv"
    conda:
        "../../envs/onnx.yaml"
    resources:
        mem_mb=get_small_memory,
    params:
        one_of_many=True,
        code=get_code("gather_sensitivity"),
    script:
        "../scripts/gather_sensitivity.py"


rule mix_precision:
    """Leave nodes in float32 that are slower in 8 bits, and those that cost agreement."""
    input:
        sensitivity="results/sensitivity.csv",
        base="results/sensitivity/base.json",
        model="results/sensitivity/base.onnx",
        refined="results/sensitivity/refined.onnx",
        ranges="results/sensitivity/ranges.json",
        fp32="results/models/fp32.onnx",
        samples="results/calibration/samples.npy",
        images="results/sweep/validation.npy",
        baseline="results/sweep/predictions/fp32.npz",
    output:
        model=f"results/sweep/models/{AUTO}.onnx",
        check=f"results/sweep/models/{AUTO}.json",
        curve="results/mixed_precision.csv",
    log:
        "results/logs/mix_precision.log",
    benchmark:
        "results/benchmarks/mix_precision.tsv"
    conda:
        "../../envs/onnx.yaml"
    # Steps are timed, with the machine to themselves.
    threads: ALL_CORES if MEASURES_LATENCY else 1
    resources:
        mem_mb=get_memory,
    params:
        one_of_many=True,
        target_drop_pp=config["sensitivity"]["target_drop_pp"],
        few=config["sensitivity"]["images"],
        timed=MEASURES_LATENCY,
        timed_threads=config["latency"]["threads"][0],
        timed_batch_size=config["latency"]["batch_sizes"][0],
        seconds=config["sweep"]["seconds"],
        batch_size=config["evaluation"]["batch_size"],
        calibration_batch_size=config["calibration"]["batch_size"],
        memory_mb=config["memory_mb"],
        preprocessing=PREPROCESSING,
        code=get_code("mix_precision"),
    script:
        "../scripts/mix_precision.py"
