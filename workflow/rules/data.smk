# needs  the data set that the config names
# makes  results/dataset/, results/calibration/samples.*, results/sweep/validation.*
#
# download -> prepare_dataset -> sample_calibration, sample_validation


rule download:
    """Download the data set or the model, unless the config names a file that is there."""
    output:
        file="results/downloads/{section}/{file}",
    log:
        "results/logs/download/{section}/{file}.log",
    benchmark:
        "results/benchmarks/download/{section}/{file}.tsv"
    wildcard_constraints:
        section="|".join(ADDRESS_KEYS),
    conda:
        "../../envs/data.yaml"
    resources:
        mem_mb=get_small_memory,
    params:
        key=lambda wildcards: ADDRESS_KEYS[wildcards.section],
        address=get_address_digest,  # the script reads the address itself from the config
        sha256=lambda wildcards: config[wildcards.section]["sha256"],
        code=get_code("download"),
    script:
        "../scripts/download.py"


rule prepare_dataset:
    """Turn the data set into memory-mappable arrays, of pixels or of where images are."""
    input:
        source=lambda wildcards: as_inputs(get_dataset_source(wildcards)),
        files=lambda wildcards: as_inputs(get_dataset_files(wildcards)),
        model=lambda wildcards: as_inputs(get_sized_model(wildcards)),
    output:
        # What was drawn; a data set with two splits has none of it.
        split="results/dataset/split.csv" if config["dataset"]["hold_out"] else [],
        train_images="results/dataset/train_images.npy",
        train_labels="results/dataset/train_labels.npy",
        test_images="results/dataset/test_images.npy",
        test_labels="results/dataset/test_labels.npy",
        # A data set has them where dataset.validation names them.
        validation_images=OWN_VALIDATION["images"],
        validation_labels=OWN_VALIDATION["labels"],
        dataset="results/dataset/dataset.json",
    log:
        "results/logs/prepare_dataset.log",
    benchmark:
        "results/benchmarks/prepare_dataset.tsv"
    conda:
        "../../envs/onnx.yaml"  # for the size of the model's input
    threads: DECODING_THREADS
    resources:
        mem_mb=get_small_memory,
    params:
        name=config["dataset"]["name"],
        sha256=config["dataset"]["sha256"],
        options=DATASET_OPTIONS,
        store=config["dataset"]["store"],
        geometry=GEOMETRY if DECODES else None,
        layout=config["model"]["layout"],
        odd_names=lambda wildcards: odd_names(
            source=get_dataset_source(wildcards),
            files=get_dataset_files(wildcards),
            model=get_sized_model(wildcards),
        ),
        code=get_code("prepare_dataset"),
    script:
        "../scripts/prepare_dataset.py"


rule sample_calibration:
    """Draw the calibration images from the training split, the same number of each class."""
    input:
        images="results/dataset/train_images.npy",
        labels="results/dataset/train_labels.npy",
        dataset="results/dataset/dataset.json",
        taken=[],
    output:
        samples="results/calibration/samples.csv",
        images="results/calibration/samples.npy",
    log:
        "results/logs/sample_calibration.log",
    benchmark:
        "results/benchmarks/sample_calibration.tsv"
    conda:
        "../../envs/data.yaml"
    threads: DECODING_THREADS
    resources:
        mem_mb=get_small_memory,
    params:
        purpose="calibration",
        per_class=config["calibration"]["samples_per_class"],
        total=config["calibration"]["samples"],
        seed=config["calibration"]["seed"],
        code=get_code("sample_calibration"),
    script:
        "../scripts/sample_calibration.py"


# From what calibration leaves, or from a split of their own; recipes are chosen on these images.
use rule sample_calibration as sample_validation with:
    input:
        images=OWN_VALIDATION["images"] or "results/dataset/train_images.npy",
        labels=get_validation_labels,
        dataset="results/dataset/dataset.json",
        taken=[] if OWN_VALIDATION["images"] else "results/calibration/samples.csv",
    output:
        samples="results/sweep/validation.csv",
        images="results/sweep/validation.npy",
    log:
        "results/logs/sample_validation.log",
    benchmark:
        "results/benchmarks/sample_validation.tsv"
    params:
        purpose="validation",
        per_class=config["sweep"]["validation_per_class"],
        total=config["sweep"]["validation_images"],
        seed=config["calibration"]["seed"],
        code=get_code("sample_calibration"),
