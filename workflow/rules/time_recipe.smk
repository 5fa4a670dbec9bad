# needs  the model of a recipe, and the float32 model
# makes  results/sweep/latency/<recipe>.json, for all recipes whose models differ in numbers alone


rule time_recipe:
    """Time the model of a recipe and float32 in turn, with the machine to themselves."""
    input:
        model="results/sweep/models/{recipe}.onnx",
        fp32="results/models/fp32.onnx",
        images="results/sweep/validation.npy",
    output:
        latency="results/sweep/latency/{recipe}.json",
    log:
        "results/logs/time_recipe/{recipe}.log",
    benchmark:
        "results/benchmarks/time_recipe/{recipe}.tsv"
    conda:
        "../../envs/onnx.yaml"
    # As in measure_latency: all there are, so that nothing runs beside it.
    threads: 1000
    params:
        threads=config["latency"]["threads"][0],
        batch_size=config["latency"]["batch_sizes"][0],
        seconds=config["sweep"]["seconds"],
        preprocessing=PREPROCESSING,
        code=get_code("time_recipe"),
    script:
        "../scripts/time_recipe.py"
