# needs  the models, the test split; with device.recipes the sweep, with device.formats ort_models
# makes  results/device_bundle.zip and .tar.gz, and results/device/: what is in them
#
# sample_device_images -> device_bundle


rule sample_device_images:
    """Draw the test images that a device is measured with, of each class its share."""
    input:
        images="results/dataset/test_images.npy",
        labels="results/dataset/test_labels.npy",
        dataset="results/dataset/dataset.json",
    output:
        images="results/device/images.npy",
        labels="results/device/labels.npy",
        indices="results/device/indices.npy",
    log:
        "results/logs/sample_device_images.log",
    benchmark:
        "results/benchmarks/sample_device_images.tsv"
    conda:
        "../../envs/data.yaml"
    threads: DECODING_THREADS
    resources:
        mem_mb=get_small_memory,
    params:
        images=config["device"]["images"],
        seed=config["calibration"]["seed"],
        code=get_code("sample_device_images"),
    script:
        "../scripts/sample_device_images.py"


rule device_bundle:
    """Pack models, images and a script that measures them on another machine."""
    input:
        models=expand("results/models/{model}.onnx", model=BUNDLED),
        recipes=expand("results/sweep/models/{recipe}.onnx", recipe=BUNDLED_RECIPES),
        sweep="results/sweep.csv" if BUNDLED_RECIPES else [],
        ort_models=expand("results/models/{model}.ort", model=BUNDLED_ORT),
        images="results/device/images.npy",
        labels="results/device/labels.npy",
        dataset="results/dataset/dataset.json",
        # No bundle before the float32 model has passed.
        gate="results/calibration/fp32_accuracy.json",
    output:
        zip="results/device_bundle.zip",
        tar="results/device_bundle.tar.gz",
        manifest="results/device/bundle.json",
        expected="results/device/expected.npz",
    log:
        "results/logs/device_bundle.log",
    benchmark:
        "results/benchmarks/device_bundle.tsv"
    conda:
        "../../envs/report.yaml"
    resources:
        mem_mb=get_memory,
    params:
        models=BUNDLED,
        recipes=BUNDLED_RECIPES,
        which=config["device"]["recipes"],
        ort_models=[f"{model}.ort" for model in BUNDLED_ORT],
        preprocessing=PREPROCESSING,
        settings={
            "threads": config["latency"]["threads"][0],
            "batch_size": config["latency"]["batch_sizes"][0],
            "seconds": config["latency"]["seconds"],
        },
        code=get_code("device_bundle"),
    script:
        "../scripts/device_bundle.py"
