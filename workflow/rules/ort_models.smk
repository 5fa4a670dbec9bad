# needs  the models, and the test images
# makes  results/models/<model>.ort, the same in the format of onnxruntime's small builds, and
#        required_operators.config, what such a build needs; results/ort_models.csv, .md and .html
#
# convert_to_ort -> compare_ort_models


rule convert_to_ort:
    """Write a model in ORT format, which small builds of onnxruntime read."""
    input:
        model="results/models/{model}.onnx",
    output:
        model="results/models/{model}.ort",
    log:
        "results/logs/convert_to_ort/{model}.log",
    benchmark:
        "results/benchmarks/convert_to_ort/{model}.tsv"
    conda:
        "../../envs/onnx.yaml"
    resources:
        mem_mb=get_memory,
    params:
        # A model that cannot be converted is a row of the table with the reason.
        one_of_many=True,
        code=get_code("convert_to_ort"),
    script:
        "../scripts/convert_to_ort.py"


rule compare_ort_models:
    """Compare models in ORT format with their ONNX twins, and name the operators they need."""
    input:
        models=expand("results/models/{model}.onnx", model=SHIPPED),
        twins=expand("results/models/{model}.ort", model=SHIPPED),
        images="results/dataset/test_images.npy",
        dataset="results/dataset/dataset.json",
    output:
        csv="results/ort_models.csv",
        md="results/ort_models.md",
        html=report(
            "results/ort_models.html",
            caption="../report/ort_models.rst",
            category="6 Devices",
            labels={
                "content": "models in ORT format",
                "shows": "size and predictions beside ONNX",
            },
        ),
        operators="results/models/required_operators.config",
    log:
        "results/logs/compare_ort_models.log",
    benchmark:
        "results/benchmarks/compare_ort_models.tsv"
    conda:
        "../../envs/report.yaml"
    resources:
        mem_mb=get_memory,
    params:
        models=SHIPPED,
        batch_size=config["evaluation"]["batch_size"],
        memory_mb=config["memory_mb"],
        preprocessing=PREPROCESSING,
        code=get_code("compare_ort_models"),
    script:
        "../scripts/compare_ort_models.py"
