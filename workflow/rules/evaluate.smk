# needs  the predictions of a model and of the float32 baseline
# makes  results/<model>_eval.json


rule evaluate:
    """Measure the accuracy of a model, and its difference to the float32 baseline of this run."""
    input:
        model="results/models/{model}.onnx",
        predictions="results/predictions/{model}.npz",
        provenance="results/predictions/{model}.json",
        baseline="results/predictions/fp32.npz",
        baseline_provenance="results/predictions/fp32.json",
        samples=get_evaluation_samples,
        # No figure of a float32 model that does not know its own images.
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
        evaluation="results/{unknown}_eval.json",
    log:
        "results/logs/reject_unknown_model/{unknown}.log",
    benchmark:
        "results/benchmarks/reject_unknown_model/{unknown}.tsv"
    wildcard_constraints:
        unknown=f"(?!(?:{'|'.join([*MODELS, RECOMMENDED])})_eval)[^/]+",
    conda:
        "../../envs/data.yaml"
    shell:
        "exit 1"
