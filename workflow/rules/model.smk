# needs  the model that the config names, ONNX or Keras, and images to try it on
# makes  results/models/fp32.onnx, the baseline, and preprocessed.onnx, the same with batch
#        normalization folded; equalized/<method>.onnx, that with scaled channels, where a recipe
#        asks for it; results/calibration/fp32_accuracy.json
#
# decode_model, or convert_model -> check_conversion -> prepare_model -> preprocess_model ->
# equalize_model; check_accuracy


rule decode_model:
    """Decode the bundled model, which the repository holds as text."""
    output:
        model="results/models/bundled.onnx",
    log:
        "results/logs/decode_model.log",
    benchmark:
        "results/benchmarks/decode_model.tsv"
    conda:
        "../../envs/data.yaml"
    resources:
        mem_mb=get_small_memory,
    params:
        code=get_code("decode_model"),  # with the checksum of the model
    script:
        "../scripts/decode_model.py"


rule convert_model:
    """Convert a Keras model to ONNX."""
    input:
        source=lambda wildcards: as_inputs(get_model_file(wildcards)),
    output:
        model="results/models/converted.onnx",
    log:
        "results/logs/convert_model.log",
    benchmark:
        "results/benchmarks/convert_model.tsv"
    conda:
        "../../envs/convert.yaml"
    resources:
        mem_mb=get_conversion_memory,
    params:
        sha256=get_model_sha256,
        opset=config["model"]["opset"],
        limits=LIMITS,
        odd_names=lambda wildcards: odd_names(source=get_model_file(wildcards)),
        code=get_code("convert_model"),
    script:
        "../scripts/convert_model.py"


rule check_conversion:
    """Check that the converted model predicts the same as Keras on images of the data set."""
    input:
        source=lambda wildcards: as_inputs(get_model_file(wildcards)),
        model="results/models/converted.onnx",
        images="results/dataset/train_images.npy",
        dataset="results/dataset/dataset.json",
    output:
        conversion="results/models/conversion.json",
    log:
        "results/logs/check_conversion.log",
    benchmark:
        "results/benchmarks/check_conversion.tsv"
    conda:
        "../../envs/convert.yaml"
    resources:
        mem_mb=get_conversion_memory,
    params:
        output=config["model"]["output"],
        preprocessing=PREPROCESSING,
        limits=LIMITS,
        odd_names=lambda wildcards: odd_names(source=get_model_file(wildcards)),
        code=get_code("check_conversion"),
    script:
        "../scripts/check_conversion.py"


rule prepare_model:
    """Check that the float32 model is sound and fits the data set, and copy it."""
    input:
        source=lambda wildcards: as_inputs(get_model_source(wildcards)),
        weights=lambda wildcards: as_inputs(get_model_weights(wildcards)),
        # Of a Keras model: not read, but without it the model is not to be trusted.
        conversion=get_conversion,
        # On which a changed model has to predict the same.
        images="results/dataset/train_images.npy",
        dataset="results/dataset/dataset.json",
    output:
        model="results/models/fp32.onnx",
    log:
        "results/logs/prepare_model.log",
    benchmark:
        "results/benchmarks/prepare_model.tsv"
    conda:
        "../../envs/onnx.yaml"
    resources:
        mem_mb=get_memory,
    params:
        sha256=get_onnx_sha256,
        output=config["model"]["output"],
        preprocessing=PREPROCESSING,
        opset=config["model"]["opset"],
        required_opset=required_opset(QUANTIZED.values()),
        # No more of the recipes, whose changes shall not make the float32 model again.
        excluded_by_channel=[
            recipe["nodes_to_exclude"]
            for recipe in QUANTIZED.values()
            if recipe["per_channel"]
        ],
        limits=LIMITS,
        odd_names=lambda wildcards: odd_names(
            source=get_model_source(wildcards), weights=get_model_weights(wildcards)
        ),
        code=get_code("prepare_model"),
    script:
        "../scripts/prepare_model.py"


rule preprocess_model:
    """Fold batch normalization and infer shapes before quantization."""
    input:
        model="results/models/fp32.onnx",
        images="results/dataset/train_images.npy",
        dataset="results/dataset/dataset.json",
    output:
        model="results/models/preprocessed.onnx",
    log:
        "results/logs/preprocess_model.log",
    benchmark:
        "results/benchmarks/preprocess_model.tsv"
    conda:
        "../../envs/onnx.yaml"
    resources:
        mem_mb=get_memory,
    params:
        preprocessing=PREPROCESSING,
        # Many recipes go without it; rules of one dtype that need it stop at the marker.
        one_of_many=True,
        code=get_code("preprocess_model"),
    script:
        "../scripts/preprocess_model.py"


rule equalize_model:
    """Scale the channels between layers of the folded model, before ranges are measured."""
    input:
        model="results/models/preprocessed.onnx",
        images="results/calibration/samples.npy",
    output:
        model="results/models/equalized/{equalization}.onnx",
    log:
        "results/logs/equalize_model/{equalization}.log",
    benchmark:
        "results/benchmarks/equalize_model/{equalization}.tsv"
    wildcard_constraints:
        equalization="cross_layer|smooth",
    conda:
        "../../envs/onnx.yaml"
    resources:
        mem_mb=get_memory,
    params:
        batch_size=config["calibration"]["batch_size"],
        memory_mb=config["memory_mb"],
        preprocessing=PREPROCESSING,
        # As preprocess_model.
        one_of_many=True,
        code=get_code("equalize_model"),
    script:
        "../scripts/equalize_model.py"


rule check_accuracy:
    """Check that float32 is well above chance, and no better with other classes or pixels."""
    input:
        model="results/models/fp32.onnx",
        images="results/calibration/samples.npy",
        samples="results/calibration/samples.csv",
        dataset="results/dataset/dataset.json",
    output:
        accuracy="results/calibration/fp32_accuracy.json",
    log:
        "results/logs/check_accuracy.log",
    benchmark:
        "results/benchmarks/check_accuracy.tsv"
    conda:
        "../../envs/onnx.yaml"
    threads: 1
    resources:
        mem_mb=get_memory,
    params:
        min_accuracy=config["acceptance"]["min_calibration_accuracy"],
        suspicious_input=config["acceptance"]["suspicious_input"],
        batch_size=config["calibration"]["batch_size"],
        memory_mb=config["memory_mb"],
        preprocessing=PREPROCESSING,
        code=get_code("check_accuracy"),
    script:
        "../scripts/check_accuracy.py"
