# The configuration and the recipes, checked and completed, and what several rules derive from them.
# Functions stand here: `snakemake --lint` refuses a file with functions and rules.

import hashlib
import os
import re

from snakemake.logging import logger
from snakemake_interface_executor_plugins.settings import ExecMode

from ptq_comparison.common.address import (
    ADDRESS_KEYS,
    file_of_address,
    is_address,
    is_in_bucket,
)
from ptq_comparison.common.closing import closing_texts, error_lines
from ptq_comparison.common.code_digest import code_digest
from ptq_comparison.common.supervisor import unlock_on_hangup
from ptq_comparison.common.temporary import remove_stale
from ptq_comparison.common.terminal import take_over
from ptq_comparison.common.texts import PATH, named
from ptq_comparison.config.pinned import without_secrets
from ptq_comparison.config.presets import (
    geometry_of,
    needs_input_size,
    preprocessing_of,
)
from ptq_comparison.config.recipe_file import read_recipes
from ptq_comparison.config.recipes import (
    AUTO,
    calibration_name,
    calibration_options,
    check_mixed,
    configured_recipes,
    equal_recipes,
    same_graphs,
)
from ptq_comparison.config.schema import fill_in_defaults, load_schema
from ptq_comparison.config.schemes import REFERENCES, required_opset
from ptq_comparison.config.validation import config_conflicts, config_errors
from ptq_comparison.config.validation_images import describe_validation
from ptq_comparison.datasets.readers import KINDS, kind_conflicts, kinds_with_path
from ptq_comparison.model.bundled import BUNDLED_FILE
from ptq_comparison.model.external_weights import external_files
from ptq_comparison.model.file_kind import is_keras, refuse_folder

# A terminal that is closed ends the run as Ctrl-C does.
unlock_on_hangup()
# What the terminal shows of a run, if it is this workflow's to decide; a job says nothing itself.
TERMINAL = None
if workflow.exec_mode == ExecMode.DEFAULT and workflow.modifier.parent_modifier is None:
    TERMINAL = take_over(logger, workflow.logger_manager.settings.dryrun)

# Results lie in a bucket (--default-storage-provider), and here for the time of a job alone.
IN_STORAGE = workflow.storage_settings.default_storage_provider is not None
# Snakemake reads {name} in a path as a wildcard, <name> as a variable, and has no escape for them.
PATTERN = re.compile(r"[{}<>]")
CONFIG_SCHEMA = Path(workflow.source_path("../schemas/config.schema.yaml"))
# Snakemake's own validation would print the whole schema at a mistake.
schema = load_schema(CONFIG_SCHEMA, dataset_kinds=KINDS)
errors = config_errors(config, schema)
if not errors:
    fill_in_defaults(config, schema.schema)
    errors = [*config_conflicts(config), *kind_conflicts(config["dataset"])]
if errors:
    stop(*errors)

DEFAULTS = {}
fill_in_defaults(DEFAULTS, schema.schema)
QUANTIZED = configured_recipes(config)  # complete recipes, by the name of the model
CANDIDATES = ["fp32", *QUANTIZED]  # of the verdict
MODELS = [*CANDIDATES, *config["comparison"]["references"]]
REFERENCE_FOLDER = "references" if IN_STORAGE else "models"
if IN_STORAGE and config["comparison"]["references"]:
    stop(
        "comparison.references: cannot be made where results lie in a bucket; set it to [], or "
        "leave --default-storage-provider out"
    )
RECOMMENDED = "recommended"  # the model of the best recipe, tested like the others
MODEL_IS_REMOTE = is_address(config["model"]["source"]) or is_in_bucket(
    config["model"]["source"]
)
if config["model"]["source"] == "bundled" and not IS_LOCAL:
    # Into the cache, beside the scripts.
    workflow.source_path(f"../resources/{BUNDLED_FILE.name}")
FIGURES = ["accuracy", "tradeoff", "classes", "confusion", "examples", "ranges"]
# The report shows the SVG, which is therefore always made.
MORE_FORMATS = [name for name in config["figures"]["formats"] if name != "svg"]
FORMATS = ["svg", *MORE_FORMATS]
try:
    PREPROCESSING, GEOMETRY = preprocessing_of(config), geometry_of(config)
except UserError as error:
    stop(error)
# What a data set of files is read by. The seed draws its test images.
DATASET_OPTIONS = {
    **{
        key: config["dataset"][key]
        for key in (
            "splits",
            "hold_out",
            "calibration",
            "labels",
            "classes",
            "validation",
        )
    },
    "class_order": config["dataset"]["class_order"],
    "seed": config["calibration"]["seed"] if config["dataset"]["hold_out"] else 0,
}
VALIDATION = describe_validation(config)  # to stand beside what is measured on them
# Validation images that dataset.validation names; else they are of the training split.
OWN_VALIDATION = {
    key: (
        f"results/dataset/validation_{key}.npy"
        if config["dataset"]["validation"]
        else []
    )
    for key in ("images", "labels")
}
# By which the target calibration_seeds draws calibration images; the first is that of all others.
SEEDS = range(
    config["calibration"]["seed"],
    config["calibration"]["seed"] + config["calibration"]["seeds"],
)
CONFIGURED_DRAWS = expand(
    "results/calibration_seeds/configured/{seed}.json", seed=SEEDS
)
RECOMMENDED_DRAWS = expand(
    "results/calibration_seeds/recommended/{seed}.json",
    seed=SEEDS if config["calibration"]["seeded_recipes"] else [],
)
DECODES = KINDS[config["dataset"]["name"]].encoded
DECODING_THREADS = 4 if DECODES else 1  # Snakemake cuts them down to --cores
LIMITS = {key: config["model"][key] for key in ("max_gb", "max_seconds")}
MEASURES_LATENCY = config["latency"]["measure"]
LATENCY_FILE = "results/latency.json" if MEASURES_LATENCY else []
# What the gate adds to the summary of a step in GitHub Actions; nothing elsewhere.
STEP_SUMMARY_FILE = (
    "results/comparison.md" if os.environ.get("GITHUB_STEP_SUMMARY") else []
)
# What a recipe has to keep, on whichever device its speed is measured.
CONSTRAINTS = {
    key: limit for key, limit in config["recommend"].items() if key != "device"
}
# For rules that measure times. Snakemake cuts it down to --cores, and runs nothing beside such a
# rule. (`workflow.cores` is not known to --report.)
ALL_CORES = 1000


wildcard_constraints:
    dtype="|".join(map(re.escape, QUANTIZED)),
    reference="|".join(REFERENCES),
    model="|".join(map(re.escape, [*CANDIDATES, *REFERENCES, RECOMMENDED])),


MODULES = {}  # that code_digest has read


def get_code(rule):
    """Fingerprint the modules behind a script; as a parameter it makes an edit rerun the rule."""
    return code_digest(SCRIPTS / f"{rule}.py", MODULES)


def as_inputs(paths):
    """Return a path, or a list of them, without those that Snakemake would take for patterns."""
    if isinstance(paths, str):
        return [] if PATTERN.search(paths) else paths
    return [path for path in paths if not PATTERN.search(path)]


def odd_names(**inputs):
    """Return what `as_inputs` leaves out of named inputs, for a parameter: {name: {path: time}}.

    With its time of change, a changed file makes the rule run again, as it does as an input.
    """
    odd = {}
    for name, paths in inputs.items():
        for path in [paths] if isinstance(paths, str) else paths:
            if PATTERN.search(path):
                odd.setdefault(name, {})[str(path)] = os.stat(path).st_mtime_ns
    return odd


def get_download(section):
    """Name the file that the address in a section of the config is downloaded to."""
    key = ADDRESS_KEYS[section]
    return f"results/downloads/{section}/{file_of_address(config[section][key], key)}"


def get_address_digest(wildcards):
    """Fingerprint an address: Snakemake prints and keeps parameters, and it may hold a password."""
    address = config[wildcards.section][ADDRESS_KEYS[wildcards.section]]
    return hashlib.sha256(str(address).encode()).hexdigest()


def in_bucket(section, key):
    """Return a file or folder in a bucket as an input; Snakemake copies it for the time of a job."""
    address = config[section][key]
    # What Snakemake would not take literally is refused, and a whole bucket, which the plugin is.
    if not re.fullmatch(r"s3://[^/{}<>?#]+/+[^/{}<>?#][^{}<>?#]*", address):
        stop(
            f"{section}.{key}: {named(address, PATH)} is no address of an object or a folder; write "
            "s3://bucket/name, where the name has none of { } < > ? #"
        )
    try:
        return storage(address)
    except WorkflowError as error:
        if "provider" not in str(error):
            raise
        stop(
            f"{section}.{key}: {named(address, PATH)}: Snakemake has no plugin for S3 here; type: make "
            "cluster, and start .venv-cluster/bin/snakemake"
        )


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
    if is_in_bucket(dataset["path"]):
        return in_bucket("dataset", "path")
    downloadable = dataset["url"] and kind.downloadable
    if dataset["path"]:
        if not os.path.exists(dataset["path"]):  # false also for what cannot be a name
            hint = (
                ", or set it to null to download the data set" if downloadable else ""
            )
            stop(
                f"dataset.path: {named(dataset['path'], PATH)}: no such file or folder; correct the "
                f"path{hint}"
            )
        return local(dataset["path"])  # not below the prefix of a module
    if downloadable:
        return get_download("dataset")
    stop(f"dataset.path: is not set; {dataset['name']} needs the path of the data set")


def get_dataset_files(wildcards):
    """Name the files and the folder beside the data set that the config names."""
    dataset = config["dataset"]
    labels = dataset["labels"]
    named_files = {
        "calibration": [dataset["calibration"]],
        "classes": [dataset["classes"]],
        "labels": labels.values() if isinstance(labels, dict) else [labels],
    }
    paths = [
        (key, path) for key, paths in named_files.items() for path in paths if path
    ]
    for key, path in paths:
        exists = os.path.isdir if key == "calibration" else os.path.isfile
        if not exists(path):
            kind = "folder" if key == "calibration" else "file"
            stop(
                f"dataset.{key}: {named(path, PATH)}: no such {kind}; correct the path"
            )
    # It may also be the name of a split, which the reader of the data set knows.
    own = dataset["validation"]
    if own and os.path.isdir(own):
        paths.append(("validation", own))
    return [local(path) for _, path in paths]


def get_model_file(wildcards):
    """Name the file of the float32 model as the config gives it: ONNX or Keras, here or in the web."""
    source = config["model"]["source"]
    if source == "bundled":
        return "results/models/bundled.onnx"
    if is_in_bucket(source):
        return in_bucket("model", "source")
    if MODEL_IS_REMOTE:
        return get_download("model")
    if os.path.isdir(source):
        stop(refuse_folder(Path(source)))
    if not os.path.isfile(source):
        stop(
            f"model.source: {named(source, PATH)}: no such file; set it to the path or the address of "
            "an ONNX or Keras file, or to bundled"
        )
    return local(source)  # not below the prefix of a module


def is_keras_model(wildcards):
    """Tell whether the model is one of Keras; one in the web is not there yet, so its name tells."""
    if config["model"]["source"] == "bundled":
        return False
    return is_keras(Path(get_model_file(wildcards)), is_there=not MODEL_IS_REMOTE)


def get_model_source(wildcards):
    """Name the ONNX file that the float32 model is taken from."""
    if is_keras_model(wildcards):
        return "results/models/converted.onnx"
    return get_model_file(wildcards)


def get_conversion(wildcards):
    """Name the check of the conversion; none for an ONNX model."""
    return "results/models/conversion.json" if is_keras_model(wildcards) else []


def get_sized_model(wildcards):
    """Name the model whose input sets the size of the images; none where the config does."""
    return get_model_source(wildcards) if DECODES and needs_input_size(GEOMETRY) else []


def get_model_weights(wildcards):
    """Name the files beside the user's ONNX model that hold weights; most models have none.

    An exported model whose weights alone are new has the same .onnx: without this, nothing reruns.
    """
    source = config["model"]["source"]
    if source == "bundled" or MODEL_IS_REMOTE or is_keras_model(wildcards):
        return []
    # A file that is gone is an error of prepare_model.
    files = map(str, external_files(Path(source)))
    return [local(file) for file in files if os.path.isfile(file)]


def get_model_sha256(wildcards):
    """Return the checksum of a model from the web; a local file is taken as it is."""
    return config["model"]["sha256"] if MODEL_IS_REMOTE else None


def get_onnx_sha256(wildcards):
    """Return the checksum of an ONNX model from the web; a Keras model is checked before."""
    return None if is_keras_model(wildcards) else get_model_sha256(wildcards)


def get_model_mb():
    """Return the size of the float32 model and of its files of weights; 0 before a download."""
    try:
        source = config["model"]["source"]
        file = Path(get_download("model") if MODEL_IS_REMOTE else source)
        if not os.path.isfile(file):
            return 0
        size = os.path.getsize(file)
        # Weights are in the file, or they are not; a large one takes time to search.
        if size < 10**7 and not is_keras(file, is_there=True):
            size += sum(map(os.path.getsize, external_files(file)))
        return size // 10**6
    except (OSError, UserError):  # which the rule that reads the model explains
        return 0


MODEL_MB = get_model_mb()


# Memory in MB, for clusters and for --resources mem_mb=... Without such a limit it restricts nothing.
# The figures behind it are in docs/performance.md; one try more, one time more of it.


def get_memory(wildcards, attempt):
    """A job that runs models: batches are as large as memory_mb allows; a fifth is to spare."""
    # As in inference/batch_size.py; what is left there is for one image at least.
    return attempt * 6 * max(config["memory_mb"], 500 + 12 * MODEL_MB) // 5


def get_small_memory(wildcards, attempt):
    """A job that reads results, or images piece by piece, and loads a model at most."""
    return attempt * (500 + 4 * MODEL_MB)


def get_conversion_memory(wildcards, attempt):
    """A job that runs TensorFlow: 0.6 GB of its own, and copies that it and tf2onnx make."""
    return attempt * (1000 + 40 * MODEL_MB)


def get_float_model(recipe):
    """Name the float32 model that a recipe starts from; the baseline is always the given one."""
    if recipe["equalization"] != "none":
        return f"results/models/equalized/{recipe['equalization']}.onnx"
    return f"results/models/{'preprocessed' if recipe['preprocess'] else 'fp32'}.onnx"


def reject_model(wildcards):
    """Name the models there are; without this, Snakemake says only that no rule makes the file."""
    stop(
        f"results/{wildcards.unknown}_eval.json: there is no model {wildcards.unknown!r}; "
        f"allowed: {', '.join([*CANDIDATES, *REFERENCES])} (fp32, quantization.dtypes and "
        "extra_dtypes, and references)"
    )


def get_sweep(wildcards):
    """Name the table of all recipes. A speed that nothing measures is no reason to try them all."""
    needed = config["recommend"]["min_speedup"] is not None
    if needed and not MEASURES_LATENCY and config["recommend"]["device"] is None:
        stop(
            "recommend.min_speedup: speed is not measured; set latency.measure to true, or "
            "this to null"
        )
    return "results/sweep.csv"


def get_earlier_results(wildcards):
    """Name what an earlier run has left of the models of this one; none where the config does not."""
    folder = config["acceptance"]["compare_to"]
    if folder is None:
        return []
    key = f"acceptance.compare_to: {named(folder, PATH)}"
    if not os.path.isdir(folder):
        stop(f"{key}: no such folder; correct the path, or set it to null")
    own, other = os.path.realpath("results"), os.path.realpath(folder)
    if os.path.commonpath([own, other]) == own:
        stop(
            f"{key}: is, or is in, the folder that this run writes to; name a copy elsewhere"
        )
    evaluations = [os.path.join(folder, f"{model}_eval.json") for model in MODELS]
    if not any(map(os.path.isfile, evaluations)):
        stop(
            f"{key}: holds no evaluation of {', '.join(MODELS)}; name a folder `results` of an "
            "earlier run"
        )
    predictions = [os.path.join(folder, f"predictions/{model}.npz") for model in MODELS]
    return [
        local(path) for path in [*evaluations, *predictions] if os.path.isfile(path)
    ]


def get_validation_labels(wildcards):
    """Name the labels that validation images are drawn by; without any, no recipe can be chosen."""
    if OWN_VALIDATION["labels"]:
        return OWN_VALIDATION["labels"]
    if config["dataset"]["calibration"] is not None:
        stop(
            "dataset.calibration: recipes are chosen on images with labels, which these have not; "
            "for sweep, sensitivity and recommend set dataset.validation to labelled ones, or this "
            "to null"
        )
    return "results/dataset/train_labels.npy"


# The working folder's own recipes win, as its config does.
RECIPES_FILE = Path(
    config["sweep"]["recipes"]
    or (
        "config/recipes.yaml"
        if Path("config/recipes.yaml").is_file()
        else workflow.source_path("../../config/recipes.yaml")
    )
)
# It refers to the schema of the configuration, which lies beside it.
RECIPES_SCHEMA = Path(workflow.source_path("../schemas/recipes.schema.yaml"))
if not os.path.isfile(RECIPES_FILE):  # Path.is_file raises for a name that is too long
    stop(
        f"sweep.recipes: {named(RECIPES_FILE, PATH)}: no such file; correct the path, or set it to "
        "null for the recipes of this workflow"
    )
NAMED, errors = read_recipes(
    RECIPES_FILE,
    load_schema(RECIPES_SCHEMA, dataset_kinds=KINDS),
    config,
)
if errors:
    stop(*errors, where=RECIPES_FILE.name)
# Of recipes that ask for the same, the first one is tried. The others only keep their names.
RECIPES = {name: NAMED[name] for name in equal_recipes(NAMED).values()}
try:
    check_mixed(config["sensitivity"]["recipe"], NAMED)
except UserError as error:
    stop(error)
SWEPT = [*RECIPES, AUTO]
# The recipes of which one is taken apart node by node, and which `auto` starts from.
BASES = RECIPES
if config["sensitivity"]["recipe"] is not None:
    base = equal_recipes(NAMED)[config["sensitivity"]["recipe"]]
    BASES = {base: RECIPES[base]}
# Recipes whose models differ in numbers alone are timed once, several of them in one job.
TIMED = {**same_graphs(RECIPES), AUTO: AUTO}
TIMED_TOGETHER = 8
distinct = list(dict.fromkeys(TIMED[recipe] for recipe in RECIPES))
BATCHES = {
    f"{start // TIMED_TOGETHER + 1}": distinct[start : start + TIMED_TOGETHER]
    for start in range(0, len(distinct), TIMED_TOGETHER)
}
BATCHES[AUTO] = [AUTO]
CALIBRATIONS = {
    calibration_name(recipe): calibration_options(recipe) for recipe in RECIPES.values()
}


wildcard_constraints:
    recipe="|".join(map(re.escape, SWEPT)),
    batch="|".join(BATCHES),
    calibration="|".join(map(re.escape, CALIBRATIONS)),


def get_latencies(recipes):
    """Name the files with the speed of recipes; none where it is not measured."""
    timed = {TIMED[recipe] for recipe in recipes}
    batches = [name for name, batch in BATCHES.items() if timed.intersection(batch)]
    paths = [f"results/sweep/latency/{name}.json" for name in batches]
    return paths if MEASURES_LATENCY else []


def get_recipe_ranges(recipe):
    """Name the ranges of a recipe, which it shares with others."""
    return f"results/sweep/ranges/{calibration_name(recipe)}.json"
