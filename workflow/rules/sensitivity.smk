# needs  the float32 model and the ranges of one recipe, and float32's validation predictions
# makes  results/sensitivity.csv: what each node costs; results/mixed_precision.csv: what float32
#        nodes bring; results/sweep/models/auto.onnx
#
# measure_sensitivity -> gather_sensitivity -> mix_precision -> time_mixed
#
# All of them are `one_of_many`, since `auto` is one recipe of the sweep. The figures are not: the
# target `sensitivity` ends where the recipe that it takes apart cannot be made.


# More jobs serve a large model on a cluster: --set-scatter sensitivity=16
scattergather:
    sensitivity=4,


rule measure_sensitivity:
    """Quantize one node at a time, and all but one, for a share of the nodes."""
    input:
        model=get_float_model(MIXED),
        ranges=get_recipe_ranges(MIXED),
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
        section=f"recipes.{MIXED_NAME}",
        recipe=MIXED,
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
    """Keep the worst nodes in float32 until the loss on the validation images is small enough."""
    input:
        sensitivity="results/sensitivity.csv",
        model=get_float_model(MIXED),
        ranges=get_recipe_ranges(MIXED),
        samples="results/calibration/samples.npy",
        images="results/sweep/validation.npy",
        baseline="results/sweep/predictions/fp32.npz",
    output:
        model=f"results/sweep/models/{AUTO}.onnx",
        check=f"results/sweep/models/{AUTO}.json",
        curve="results/sweep/mixed_precision.csv",
    log:
        "results/logs/mix_precision.log",
    benchmark:
        "results/benchmarks/mix_precision.tsv"
    conda:
        "../../envs/onnx.yaml"
    resources:
        mem_mb=get_memory,
    params:
        one_of_many=True,
        recipe=MIXED,
        target_drop_pp=config["sensitivity"]["target_drop_pp"],
        batch_size=config["evaluation"]["batch_size"],
        memory_mb=config["memory_mb"],
        preprocessing=PREPROCESSING,
        code=get_code("mix_precision"),
    script:
        "../scripts/mix_precision.py"


rule time_mixed:
    """Time all steps on the way to the recipe auto, with the machine to themselves."""
    input:
        curve="results/sweep/mixed_precision.csv",
        model=get_float_model(MIXED),
        fp32="results/models/fp32.onnx",
        ranges=get_recipe_ranges(MIXED),
        samples="results/calibration/samples.npy",
        images="results/sweep/validation.npy",
    output:
        curve="results/mixed_precision.csv",
    log:
        "results/logs/time_mixed.log",
    benchmark:
        "results/benchmarks/time_mixed.tsv"
    conda:
        "../../envs/onnx.yaml"
    threads: ALL_CORES if MEASURES_LATENCY else 1
    resources:
        mem_mb=get_memory,
    params:
        one_of_many=True,
        recipe=MIXED,
        timed=MEASURES_LATENCY,
        threads=config["latency"]["threads"][0],
        batch_size=config["latency"]["batch_sizes"][0],
        seconds=config["sweep"]["seconds"],
        preprocessing=PREPROCESSING,
        code=get_code("time_mixed"),
    script:
        "../scripts/time_mixed.py"
