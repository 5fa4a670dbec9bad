# needs  the float32 models and the calibration images
# makes  results/calibration/ranges.json, and results/models/<dtype>.onnx with its provenance inside
#        and the check of its operators beside it, <dtype>.json; results/models/fp16.onnx and
#        dynamic.onnx where they are asked for
#
# calibrate -> quantize -> measure_activations; make_reference


rule calibrate:
    """Measure the range of every activation tensor, once for all dtypes."""
    input:
        model=get_float_model(config["quantization"]),
        images="results/calibration/samples.npy",
        samples="results/calibration/samples.csv",
        # Nothing is quantized before the float32 model has passed.
        accuracy="results/calibration/fp32_accuracy.json",
    output:
        ranges="results/calibration/ranges.json",
    log:
        "results/logs/calibrate.log",
    benchmark:
        "results/benchmarks/calibrate.tsv"
    conda:
        "../../envs/onnx.yaml"
    # More would change the last digits of the ranges with the machine.
    threads: 1
    resources:
        mem_mb=get_memory,
    params:
        calibration=calibration_options(next(iter(QUANTIZED.values()))),
        seed=config["calibration"]["seed"],
        batch_size=config["calibration"]["batch_size"],
        memory_mb=config["memory_mb"],
        preprocessing=PREPROCESSING,
        code=get_code("calibrate"),
    script:
        "../scripts/calibrate.py"


rule quantize:
    """Quantize activations and weights, and check that the result is what was asked for."""
    input:
        model=get_float_model(config["quantization"]),
        ranges="results/calibration/ranges.json",
        images="results/calibration/samples.npy",
        samples="results/calibration/samples.csv",
    output:
        model="results/models/{dtype}.onnx",
        check="results/models/{dtype}.json",
    log:
        "results/logs/quantize/{dtype}.log",
    benchmark:
        "results/benchmarks/quantize/{dtype}.tsv"
    conda:
        "../../envs/onnx.yaml"
    resources:
        mem_mb=get_memory,
    params:
        # A change of it reruns this model alone.
        recipe=lambda wildcards: QUANTIZED[wildcards.dtype],
        section="quantization",
        seed=config["calibration"]["seed"],
        batch_size=config["calibration"]["batch_size"],
        memory_mb=config["memory_mb"],
        preprocessing=PREPROCESSING,
        code=get_code("quantize"),
    script:
        "../scripts/quantize.py"


rule make_reference:
    """Make a model to compare with: float16, or int8 by dynamic quantization."""
    input:
        # Each as its users make it: dynamic quantization like the other, after folding.
        model=lambda wildcards: (
            "results/models/fp32.onnx"
            if wildcards.reference == "fp16"
            else get_float_model(config["quantization"])
        ),
        # On which its scores have to be finite.
        images="results/calibration/samples.npy",
        accuracy="results/calibration/fp32_accuracy.json",
    output:
        # In a bucket, Snakemake drops the constraint, and this would be any model.
        model=f"results/{REFERENCE_FOLDER}/{{reference}}.onnx",
        check=f"results/{REFERENCE_FOLDER}/{{reference}}.json",
    log:
        "results/logs/make_reference/{reference}.log",
    benchmark:
        "results/benchmarks/make_reference/{reference}.tsv"
    conda:
        "../../envs/onnx.yaml"
    resources:
        mem_mb=get_memory,
    params:
        batch_size=config["calibration"]["batch_size"],
        memory_mb=config["memory_mb"],
        preprocessing=PREPROCESSING,
        code=get_code("make_reference"),
    script:
        "../scripts/make_reference.py"


rule measure_activations:
    """Measure how much of its stored grid the values of each activation tensor use."""
    input:
        model=get_float_model(config["quantization"]),
        quantized=f"results/models/{next(iter(QUANTIZED))}.onnx",
        images="results/calibration/samples.npy",
    output:
        activations="results/calibration/activations.json",
    log:
        "results/logs/measure_activations.log",
    benchmark:
        "results/benchmarks/measure_activations.tsv"
    conda:
        "../../envs/onnx.yaml"
    resources:
        mem_mb=get_memory,
    params:
        batch_size=config["calibration"]["batch_size"],
        memory_mb=config["memory_mb"],
        preprocessing=PREPROCESSING,
        code=get_code("measure_activations"),
    script:
        "../scripts/measure_activations.py"
