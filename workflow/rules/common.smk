# The configuration, checked and completed, and what several rules derive from it.

import os
import re
import sys
from urllib.parse import urlsplit

# Otherwise it is a module from the web, read through Snakemake's cache.
IS_LOCAL = isinstance(workflow.current_basedir, os.PathLike)


def get_scripts():
    """Return the folder of the scripts, or its copy in Snakemake's cache."""
    if IS_LOCAL:
        return Path(workflow.current_basedir).parent / "scripts"
    # Snakemake fetches the script of a rule, but not what it imports; side by side in the cache,
    # it finds them.
    listing = Path(workflow.source_path("../scripts/modules.txt"))
    for name in listing.read_text().split():
        if Path(workflow.source_path(f"../scripts/{name}")) != listing.parent / name:
            sys.exit(
                f"error: {workflow.current_basedir}: Snakemake's cache gives the modules of this "
                "kind of address other names; use github(), gitlab(), or the path of a clone"
            )
    return listing.parent


SCRIPTS = get_scripts()
CONFIG_SCHEMA = Path(workflow.source_path("../schemas/config.schema.yaml"))
sys.path.append(str(SCRIPTS))

from ptq_comparison.common.code_digest import code_digest
from ptq_comparison.config.schema import fill_in_defaults
from ptq_comparison.config.schema import load_schema
from ptq_comparison.config.validation import config_conflicts
from ptq_comparison.config.validation import config_errors
from ptq_comparison.config.schemes import quantized_models
from ptq_comparison.config.schemes import required_opset
from ptq_comparison.common.errors import UserError
from ptq_comparison.common.job import ERROR_PREFIX
from ptq_comparison.config.methods import method_options
from ptq_comparison.datasets.readers import KINDS
from ptq_comparison.datasets.readers import kinds_with_path

# Snakemake's own validation would print the whole schema at a mistake.
schema = load_schema(CONFIG_SCHEMA, dataset_kinds=KINDS)
errors = config_errors(config, schema)
if not errors:
    fill_in_defaults(config, schema.schema)
    errors = list(config_conflicts(config))
if errors:
    sys.exit("\n".join(f"{ERROR_PREFIX}config: {line}" for line in errors))

QUANTIZED = quantized_models(config["quantization"])  # what each is asked for, by name
MODELS = ["fp32", *QUANTIZED]
# Sections of the config that may name a file in the web, and the key that does.
DOWNLOADS = {"dataset": "url", "model": "source"}
MODEL_IS_REMOTE = config["model"]["source"].startswith(("https://", "http://"))
KERAS = (".h5", ".keras")
FIGURES = ["accuracy", "tradeoff", "classes", "confusion", "examples", "ranges"]
# What waits for times, where the config asks for them.
LATENCY = "results/latency.json" if config["latency"]["measure"] else []
PREPROCESSING = {
    key: config["model"][key] for key in ("layout", "scale", "mean", "std")
}


RECOMMENDED = "recommended"  # the model that the sweep chooses, tested like the others


wildcard_constraints:
    dtype="|".join(QUANTIZED),
    model="|".join([*MODELS, RECOMMENDED]),


def get_code(rule):
    """Fingerprint the modules behind a rule; as a parameter it makes an edit rerun the rule."""
    return code_digest(SCRIPTS / f"{rule}.py")


def stop(line):
    """End the run with one line. Snakemake would wrap a WorkflowError into lines of a traceback."""
    sys.exit(f"{ERROR_PREFIX}config: {line}")


def file_of_address(url):
    """Name the file that an address leads to, without a query as in model.h5?download=1."""
    parts = urlsplit(url)
    return Path(parts.path).name or parts.netloc


def get_dataset_source(wildcards):
    """Name the folder or file that the data set is read from; none for the synthetic one."""
    dataset = config["dataset"]
    kind = KINDS[dataset["name"]]
    if not kind.needs_path:
        if dataset["path"]:
            stop(
                f"dataset.name: {dataset['name']} needs no dataset.path; for your own data set the "
                f"name to one of {kinds_with_path()}"
            )
        return []
    downloadable = dataset["url"] and kind.downloadable
    if dataset["path"]:
        if not Path(dataset["path"]).exists():
            hint = (
                ", or set it to null to download the data set" if downloadable else ""
            )
            stop(
                f"dataset.path: {dataset['path']}: no such file or folder; correct the path{hint}"
            )
        return local(dataset["path"])  # not below the prefix of a module
    if downloadable:
        return f"results/downloads/dataset/{file_of_address(dataset['url'])}"
    stop(f"dataset.path: is not set; {dataset['name']} needs the path of the data set")


def get_model_file(wildcards):
    """Name the file of the float32 model as the config gives it: ONNX or Keras, here or in the web."""
    source = config["model"]["source"]
    if source == "bundled":
        if not IS_LOCAL:  # Snakemake's cache holds text files only
            stop(
                "model.source: the bundled model comes with a clone of the repository, not with a "
                "module from the web; set it to the path or the address of a model"
            )
        return workflow.source_path("../resources/resnet8_shapes.onnx")
    if MODEL_IS_REMOTE:
        return f"results/downloads/model/{file_of_address(source)}"
    if not Path(source).is_file():
        stop(
            f"model.source: {source}: no such file; set it to the path or the address of an ONNX or "
            "Keras file, or to bundled"
        )
    return local(source)  # not below the prefix of a module


def get_model_source(wildcards):
    """Name the ONNX file that the float32 model is taken from."""
    file = get_model_file(wildcards)
    return "results/models/converted.onnx" if file.endswith(KERAS) else file


def get_model_weights(wildcards):
    """Name the files beside the user's ONNX model that hold weights; most models have none.

    An exported model whose weights alone are new has the same .onnx: without this, nothing reruns.
    """
    source = config["model"]["source"]
    if source == "bundled" or MODEL_IS_REMOTE or source.endswith(KERAS):
        return []
    # ONNX names such a file by a key of this name.
    if not Path(source).is_file() or b"location" not in Path(source).read_bytes():
        return []
    try:
        # Here, since onnx takes long to import.
        from ptq_comparison.model.external_weights import external_files
    except ImportError:
        # With conda it may be in the environments of the rules alone: the usual names have to do.
        files = [Path(f"{source}.data"), Path(f"{source}_data")]
    else:
        files = external_files(Path(source))
    # A file that is gone is an error of prepare_model.
    return [local(str(file)) for file in files if file.is_file()]


def get_model_sha256(wildcards):
    """Return the sum of a model from the web; a file of the user's own is taken as it is."""
    return config["model"]["sha256"] if MODEL_IS_REMOTE else None


def get_onnx_sha256(wildcards):
    """Return the sum of an ONNX model from the web; that of a Keras model is checked before."""
    converted = get_model_file(wildcards).endswith(KERAS)
    return None if converted else get_model_sha256(wildcards)


def get_float_model(wildcards):
    """Name the float32 model that is calibrated and quantized; the baseline is always the given one."""
    if config["quantization"]["preprocess"]:
        return "results/models/preprocessed.onnx"
    return "results/models/fp32.onnx"


def get_quantization(wildcards):
    """Return what a quantized model is asked for; a change reruns this model alone."""
    return QUANTIZED[wildcards.dtype]


def get_evaluation_samples(wildcards):
    """Name the calibration images that an evaluation tells about; the float32 model has none."""
    return [] if wildcards.model == "fp32" else "results/calibration/samples.csv"


def reject_model(wildcards):
    """Name the models there are; without this, Snakemake says only that no rule makes the file."""
    stop(
        f"results/{wildcards.unknown}_eval.json: there is no model {wildcards.unknown!r}; "
        f"allowed: {', '.join(MODELS)} (fp32, quantization.dtypes and extra_dtypes)"
    )


def print_errors(snakemake_logs):
    """Close a failed run with one line for each failed job, taken from the log that Snakemake names."""
    text = "".join(Path(path).read_text() for path in snakemake_logs)
    for path in dict.fromkeys(re.findall(r"log: (\S+) \(check log file", text)):
        lines = Path(path).read_text().splitlines() if Path(path).is_file() else []
        if lines and lines[-1].startswith(ERROR_PREFIX):
            print(lines[-1], file=sys.stderr)


def print_verdict(snakemake_logs):
    """Close a run of all with the verdict; a run that made something else has none."""
    text = "".join(Path(path).read_text() for path in snakemake_logs)
    # \s, since for a blank snakemake --lint takes the line for a rule among functions.
    if re.search(r"^(?:local)?rule\s(?:all|default):", text, re.MULTILINE):
        print(f"\n{Path('results/verdict.txt').read_text()}", file=sys.stderr)
