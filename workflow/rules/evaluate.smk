# needs  the models and the test split
# makes  results/<model>_eval.json, and results/latency.json where times are measured
#
# predict, or predict_shard -> merge_predictions; -> evaluate; measure_latency


# Batches of test images in jobs of their own; --set-scatter predict=N wins.
scattergather:
    predict=config["evaluation"]["shards"],


SHARDS = len(gather.predict("{scatteritem}"))


rule predict:
    """Run a model on all test images, where it can saturate also without saturation."""
    input:
        model="results/models/{model}.onnx",
        images="results/dataset/test_images.npy",
        labels="results/dataset/test_labels.npy",
        dataset="results/dataset/dataset.json",
    output:
        predictions="results/predictions/{model}.npz",
        provenance="results/predictions/{model}.json",
    log:
        "results/logs/predict/{model}.log",
    benchmark:
        "results/benchmarks/predict/{model}.tsv"
    conda:
        "../../envs/onnx.yaml"
    # The models run side by side, a thread each; --set-threads predict=4 serves a large model.
    threads: 1
    resources:
        mem_mb=get_memory,
    params:
        split="test",
        checks_saturation=lambda wildcards: wildcards.model not in ("fp32", "fp16"),
        batch_size=config["evaluation"]["batch_size"],
        memory_mb=config["memory_mb"],
        preprocessing=PREPROCESSING,
        code=get_code("predict"),
    script:
        "../scripts/predict.py"


# Both make the predictions of all test images.
if SHARDS > 1:

    ruleorder: merge_predictions > predict

else:

    ruleorder: predict > merge_predictions


use rule predict as predict_shard with:
    output:
        predictions=temp("results/shards/{model}/{scatteritem}.npz"),
        provenance=temp("results/shards/{model}/{scatteritem}.json"),
    log:
        "results/logs/predict_shard/{model}/{scatteritem}.log",
    benchmark:
        "results/benchmarks/predict_shard/{model}/{scatteritem}.tsv"


rule merge_predictions:
    """Put the predictions of all shards together, in the order of the images."""
    input:
        predictions=gather.predict("results/shards/{{model}}/{scatteritem}.npz"),
        provenance=gather.predict("results/shards/{{model}}/{scatteritem}.json"),
    output:
        predictions="results/predictions/{model}.npz",
        provenance="results/predictions/{model}.json",
    log:
        "results/logs/merge_predictions/{model}.log",
    benchmark:
        "results/benchmarks/merge_predictions/{model}.tsv"
    conda:
        "../../envs/onnx.yaml"
    resources:
        mem_mb=get_memory,
    params:
        code=get_code("merge_predictions"),
    script:
        "../scripts/merge_predictions.py"


rule evaluate:
    """Measure the accuracy of a model, and its difference to the float32 baseline of this run."""
    input:
        model="results/models/{model}.onnx",
        predictions="results/predictions/{model}.npz",
        provenance="results/predictions/{model}.json",
        baseline="results/predictions/fp32.npz",
        baseline_provenance="results/predictions/fp32.json",
        # Of the models that are calibrated.
        samples=lambda wildcards: (
            "results/calibration/samples.csv"
            if wildcards.model in [*QUANTIZED, RECOMMENDED]
            else []
        ),
        # No result before the float32 model has passed.
        gate="results/calibration/fp32_accuracy.json",
        dataset="results/dataset/dataset.json",
    output:
        evaluation="results/{model}_eval.json",
    log:
        "results/logs/evaluate/{model}.log",
    benchmark:
        "results/benchmarks/evaluate/{model}.tsv"
    conda:
        "../../envs/onnx.yaml"
    resources:
        mem_mb=get_small_memory,
    params:
        seed=config["calibration"]["seed"],
        code=get_code("evaluate"),
    script:
        "../scripts/evaluate.py"


rule reject_unknown_model:
    """Say which models there are when another one is asked for."""
    input:
        none=reject_model,
    output:
        # In a bucket, Snakemake drops the constraint, and this would be any model.
        evaluation=(
            "results/unknown/{unknown}_eval.json"
            if IN_STORAGE
            else "results/{unknown}_eval.json"
        ),
    log:
        "results/logs/reject_unknown_model/{unknown}.log",
    benchmark:
        "results/benchmarks/reject_unknown_model/{unknown}.tsv"
    wildcard_constraints:
        unknown=f"(?!(?:{'|'.join(map(re.escape, [*CANDIDATES, *REFERENCES, RECOMMENDED]))})_eval)[^/]+",
    conda:
        "../../envs/data.yaml"
    shell:
        "exit 1"


rule measure_latency:
    """Time all models in turn, with the machine to themselves."""
    input:
        models=expand("results/models/{model}.onnx", model=MODELS),
        images="results/dataset/test_images.npy",
        dataset="results/dataset/dataset.json",
    output:
        latency="results/latency.json",
    log:
        "results/logs/measure_latency.log",
    benchmark:
        "results/benchmarks/measure_latency.tsv"
    conda:
        "../../envs/onnx.yaml"
    threads: ALL_CORES
    resources:
        mem_mb=get_memory,
    params:
        models=MODELS,
        threads=config["latency"]["threads"],
        batch_sizes=config["latency"]["batch_sizes"],
        seconds=config["latency"]["seconds"],
        measures_memory=True,
        preprocessing=PREPROCESSING,
        code=get_code("measure_latency"),
    script:
        "../scripts/measure_latency.py"
