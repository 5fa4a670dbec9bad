# The recipes of the sweep, checked and completed, and what several rules derive from them.

from ptq_comparison.config.recipe_file import parse_recipes
from ptq_comparison.config.recipes import AUTO
from ptq_comparison.config.recipes import calibration_name
from ptq_comparison.config.recipes import calibration_options
from ptq_comparison.config.recipes import choose_mixed
from ptq_comparison.config.recipes import complete_recipes
from ptq_comparison.config.recipes import equal_recipes
from ptq_comparison.config.recipes import expand_recipes
from ptq_comparison.config.recipes import recipe_conflicts
from ptq_comparison.config.recipes import same_graphs
from ptq_comparison.config.recipes import type_errors

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


def read_recipes():
    """Return the recipes by name, complete; end with one line for each mistake."""
    if not RECIPES_FILE.is_file():
        sys.exit(
            f"{ERROR_PREFIX}config: sweep.recipes: {RECIPES_FILE}: no such file; correct the path, or "
            "set it to null for the recipes of this workflow"
        )
    try:
        content = parse_recipes(RECIPES_FILE.read_text())
        recipes = expand_recipes(content["recipes"])
        schema = load_schema(RECIPES_SCHEMA, dataset_kinds=KINDS)
        errors = config_errors({**content, "recipes": recipes}, schema)
        errors = errors or list(type_errors(recipes))
        if not errors:
            recipes = complete_recipes(recipes, config)
            errors = list(recipe_conflicts(recipes))
    except UserError as error:
        errors = [str(error)]
    if errors:
        sys.exit(
            "\n".join(f"{ERROR_PREFIX}{RECIPES_FILE.name}: {line}" for line in errors)
        )
    return recipes


NAMED = read_recipes()
# Of recipes that ask for the same the first one is tried. The others only keep their names.
RECIPES = {name: NAMED[name] for name in equal_recipes(NAMED).values()}
try:
    # The recipe whose nodes are tried one by one, and which `auto` starts from.
    MIXED_NAME, MIXED = choose_mixed(config["sensitivity"]["recipe"], NAMED)
except UserError as error:
    stop(error)
CALIBRATIONS = {
    calibration_name(recipe): calibration_options(recipe) for recipe in RECIPES.values()
}
SWEPT = [*RECIPES, AUTO]
# Recipes whose models differ in numbers alone are timed once.
TIMED = {**same_graphs(RECIPES), AUTO: AUTO}
# Speed counts where the config lets it be measured.
RECIPE_LATENCIES = (
    [f"results/sweep/latency/{recipe}.json" for recipe in dict.fromkeys(TIMED.values())]
    if LATENCY
    else []
)


wildcard_constraints:
    recipe="|".join(map(re.escape, SWEPT)),
    calibration="|".join(map(re.escape, CALIBRATIONS)),


def get_folded_or_given(preprocess):
    """Name the float32 model that a recipe starts from."""
    return f"results/models/{'preprocessed' if preprocess else 'fp32'}.onnx"


def get_calibration_model(wildcards):
    """Name the float32 model that ranges of the sweep are measured on."""
    return get_folded_or_given(CALIBRATIONS[wildcards.calibration]["preprocess"])


def get_calibration(wildcards):
    """Return method and options of ranges of the sweep."""
    return CALIBRATIONS[wildcards.calibration]


def get_recipe_model(wildcards):
    """Name the float32 model that a recipe starts from."""
    return get_folded_or_given(RECIPES[wildcards.recipe]["preprocess"])


def get_recipe_ranges(wildcards):
    """Name the ranges of a recipe, which it shares with others."""
    return f"results/sweep/ranges/{calibration_name(RECIPES[wildcards.recipe])}.json"


def get_recipe(wildcards):
    """Return what a recipe asks for; a change reruns this recipe alone."""
    return RECIPES[wildcards.recipe]


def get_sweep(wildcards):
    """Name the table of all recipes. A speed that nothing measures is no reason to try them all."""
    if config["recommend"]["min_speedup"] is not None and not LATENCY:
        stop(
            "recommend.min_speedup: speed is not measured; set latency.measure to true, or this to "
            "null"
        )
    return "results/sweep.csv"


MIXED_MODEL = get_folded_or_given(MIXED["preprocess"])
MIXED_RANGES = f"results/sweep/ranges/{calibration_name(MIXED)}.json"
