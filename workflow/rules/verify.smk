# needs  the evaluations, the logs of quantization, and the images
# makes  results/diagnosis.json and .md: why models have lost too much, empty where none has;
#        results/verification.json, .md and .xml; the target gate fails where a requirement does
#
# explain_loss -> verify -> gate


rule explain_loss:
    """Say why models have lost more than the config allows, and what to do next."""
    input:
        evaluations=expand("results/{dtype}_eval.json", dtype=QUANTIZED),
        models=expand("results/models/{dtype}.onnx", dtype=QUANTIZED),
        model=get_float_model(config["quantization"]),
        images="results/calibration/samples.npy",
    output:
        json="results/diagnosis.json",
        md="results/diagnosis.md",
    log:
        "results/logs/explain_loss.log",
    benchmark:
        "results/benchmarks/explain_loss.tsv"
    conda:
        "../../envs/onnx.yaml"
    resources:
        mem_mb=get_memory,
    params:
        max_drop_pp=config["acceptance"]["max_drop_pp"],
        recipes=list(QUANTIZED.values()),
        saturation_threshold=config["evaluation"]["saturation_threshold"],
        preprocessing=PREPROCESSING,
        code=get_code("explain_loss"),
    script:
        "../scripts/explain_loss.py"


rule verify:
    """Check what the config asks of the results; `all` reports it, `gate` insists on it."""
    input:
        fp32="results/fp32_eval.json",
        evaluations=expand("results/{dtype}_eval.json", dtype=QUANTIZED),
        models=expand("results/models/{dtype}.onnx", dtype=QUANTIZED),
        checks=expand("results/models/{dtype}.json", dtype=QUANTIZED),
        logs=expand("results/logs/quantize/{dtype}.log", dtype=QUANTIZED),
        accuracy="results/calibration/fp32_accuracy.json",
        samples="results/calibration/samples.npy",
        sample_list="results/calibration/samples.csv",
        predictions="results/predictions/fp32.npz",
        dataset="results/dataset/dataset.json",
        diagnosis="results/diagnosis.json",
        latency=LATENCY_FILE if config["acceptance"]["min_speedup"] is not None else [],
        # The next two are for acceptance.compare_to alone.
        all_predictions=expand(
            "results/predictions/{model}.npz",
            model=MODELS if config["acceptance"]["compare_to"] else [],
        ),
        earlier=lambda wildcards: as_inputs(get_earlier_results(wildcards)),
    output:
        json="results/verification.json",
        md="results/verification.md",
        # Made here, not by the gate: Snakemake removes what a failed job has made.
        xml="results/verification.xml",
    log:
        "results/logs/verify.log",
    benchmark:
        "results/benchmarks/verify.tsv"
    conda:
        "../../envs/onnx.yaml"
    resources:
        mem_mb=get_memory,
    params:
        acceptance=config["acceptance"],
        method=config["calibration"]["method"],
        published_top1=config["baseline"]["published_top1"],
        dtypes=list(QUANTIZED),
        odd_names=lambda wildcards: odd_names(earlier=get_earlier_results(wildcards)),
        code=get_code("verify"),
    script:
        "../scripts/verify.py"


rule gate:
    """Fail when the verification has failed, so that a CI can block on it."""
    input:
        verification="results/verification.json",
        xml="results/verification.xml",
        comparison=STEP_SUMMARY_FILE,
    log:
        "results/logs/gate.log",
    retries: 0  # it would fail again
    conda:
        "../../envs/onnx.yaml"
    resources:
        mem_mb=get_small_memory,
    params:
        code=get_code("gate"),
    script:
        "../scripts/gate.py"
