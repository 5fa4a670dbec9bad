# What goes to devices, what comes back from them, and which ones this run is itself. As in common.smk,
# functions stand here.

from ptq_comparison.common.provider_names import CPU, short_name
from ptq_comparison.device.emulation import CPUS, cpus_to_emulate, emulated_file
from ptq_comparison.device.listing import list_devices
from ptq_comparison.device.recipe_device import read_recipe_device

# What goes to devices: the recommended model where an earlier run has made it.
HAS_RECOMMENDED = os.path.isfile(
    workflow.modifier.path_modifier.modify(f"results/models/{RECOMMENDED}.onnx")
)
SHIPPED = [*MODELS, *([RECOMMENDED] if HAS_RECOMMENDED else [])]
# What a device is measured with. Where its speed chooses the recommended model, that is not in it:
# else the bundle would change with what it brings back.
PACKS_RECOMMENDED = config["recommend"]["device"] is None and (
    config["device"]["recipes"] != "standard" or HAS_RECOMMENDED
)
BUNDLED = [*MODELS, RECOMMENDED] if PACKS_RECOMMENDED else MODELS
BUNDLED_RECIPES = [] if config["device"]["recipes"] == "standard" else SWEPT
BUNDLED_ORT = BUNDLED if "ort" in config["device"]["formats"] else []
# Execution providers besides the CPU, as the config names them, and what is measured with each.
PROVIDERS = {
    short_name(name): name
    for name in config["latency"]["providers"]
    if short_name(name) != short_name(CPU)
}
PROVIDER_FILES = {name: f"results/providers/device_{name}.json" for name in PROVIDERS}
# What other machines have measured, by the name of the device: the user's files first, then those
# that were put into the results, or made there.
RESULTS = str(workflow.modifier.path_modifier.modify("results"))
try:
    DEVICE_FILES = list_devices(config["devices"], None if IN_STORAGE else RESULTS)
except UserError as error:
    stop(error)
for name, path in PROVIDER_FILES.items():
    own = os.path.join(RESULTS, "providers", os.path.basename(path))
    if DEVICE_FILES.get(name, own) != own:
        stop(
            f"latency.providers: {PROVIDERS[name]}: {DEVICE_FILES[name]} is of another device of "
            "this name; measure that again with another --name, or remove one of the two"
        )
DEVICE_FILES = {name: local(path) for name, path in DEVICE_FILES.items()}
# Jobs check files against its content: a copy in Snakemake's cache would make them run again.
DEVICE_SCHEMA = Path(workflow.source_path("../schemas/device.schema.yaml"))
DEVICE_RESULTS = [
    *expand("results/devices.{kind}", kind=["csv", "md", "html", "json"]),
    *expand("results/figures/devices.{format}", format=FORMATS),
]


wildcard_constraints:
    provider="|".join(PROVIDERS) or "none",


def get_pythons(provider):
    """Name the interpreters of environments for a provider, in the order in which they are tried."""
    folders = [Path.cwd(), *([SCRIPTS.parents[1]] if IS_LOCAL else [])]
    pythons = [folder / f".venv-{provider}/bin/python" for folder in folders]
    return [str(python) for python in pythons if python.is_file()]


def get_devices(wildcards):
    """Name what devices give; without a device, say how to get one."""
    if not get_device_files(wildcards):
        stop(
            "devices: no device has brought anything back; type snakemake device_bundle, run its "
            "measure.py on the device, and copy device_<name>.json to results/devices/ (see "
            "docs/devices.md)"
        )
    return DEVICE_RESULTS


def get_speed_device(wildcards):
    """Name the file of the device whose speed chooses the recipe; none for this machine."""
    name = config["recommend"]["device"]
    if name is None:
        return []
    if name not in DEVICE_FILES:
        stop(
            f"recommend.device: there is no device {named(name)}; allowed: "
            f"{', '.join([*DEVICE_FILES, 'null'])} (files in devices, and in results/devices/)"
        )
    try:
        # Before hours of a search.
        read_recipe_device(Path(DEVICE_FILES[name]), load_schema(DEVICE_SCHEMA))
    except UserError as error:
        stop(f"recommend.device: {error}")
    return DEVICE_FILES[name]


def get_device_schema(wildcards):
    """Return what files of devices are checked against."""
    return load_schema(DEVICE_SCHEMA).schema


def get_speed_schema(wildcards):
    """Return what the file of the device is checked against whose speed chooses the recipe."""
    chooses = config["recommend"]["device"] is not None
    return get_device_schema(wildcards) if chooses else None


def get_cpus():
    """Return the CPUs that this run emulates; of a module, the targets are not known."""
    try:
        return cpus_to_emulate(workflow.dag_settings.targets)
    except UserError as error:
        stop(error, where="emulate")


def get_emulated(wildcards):
    """Name what the target `emulate` makes, and say which CPU it leaves out."""
    cpus, left_out = get_cpus()
    if not cpus:
        stop(
            f"is a target of the command line alone; elsewhere name {emulated_file('<cpu>')}, of "
            f"{', '.join(CPUS)}",
            where="emulate",
        )
    for line in left_out:
        print(f"emulate: {line}", file=sys.stderr)
    return [*map(emulated_file, cpus), *DEVICE_RESULTS]


def get_emulated_bundle(wildcards):
    """Name the bundle that is run as another CPU, if this machine can be that one."""
    get_cpus()
    return "results/device_bundle.zip"


def get_device_files(wildcards):
    """Name the files of all devices: those that are there, and those that are asked for."""
    cpus, _ = get_cpus()
    emulated = {cpu: emulated_file(cpu) for cpu in cpus}
    return [*{**DEVICE_FILES, **PROVIDER_FILES, **emulated}.values()]


def get_devices_json(wildcards):
    """Name what devices show in the comparison; none without a device."""
    return "results/devices.json" if get_device_files(wildcards) else []
