# needs  all models, and test images to run them on
# makes  results/latency.json: times, speed against float32, memory


rule measure_latency:
    """Time all models in turn, with the machine to themselves."""
    input:
        models=expand("results/models/{model}.onnx", model=MODELS),
        images="results/dataset/test_images.npy",
    output:
        latency="results/latency.json",
    log:
        "results/logs/measure_latency.log",
    benchmark:
        "results/benchmarks/measure_latency.tsv"
    conda:
        "../../envs/onnx.yaml"
    # More than there are: Snakemake cuts it down to --cores, and then runs nothing beside it.
    # (workflow.cores is not known to --report.)
    threads: 1000
    params:
        models=MODELS,
        threads=config["latency"]["threads"],
        batch_sizes=config["latency"]["batch_sizes"],
        seconds=config["latency"]["seconds"],
        preprocessing=PREPROCESSING,
        code=get_code("measure_latency"),
    script:
        "../scripts/measure_latency.py"
