# The recipes of the sweep, checked and completed, and what several rules derive from them.

from ptq_comparison.recipes import (
    calibration_name,
    calibration_options,
    complete_recipes,
    expand_recipes,
    recipe_conflicts,
    same_graphs,
    type_errors,
)

# The working folder's own recipes win, as its config does.
RECIPES_FILE = Path(
    config["sweep"]["recipes"]
    or (
        "config/recipes.yaml"
        if Path("config/recipes.yaml").is_file()
        else workflow.source_path("../../config/recipes.yaml")
    )
)
RECIPES_SCHEMA = SCHEMA.with_name("recipes.schema.yaml")


def read_recipes():
    """Return the recipes by name, complete; end with one line for each mistake."""
    if not RECIPES_FILE.is_file():
        sys.exit(
            f"{ERROR_PREFIX}config: sweep.recipes: {RECIPES_FILE}: no such file; correct the path, or "
            "set it to null for the recipes of this workflow"
        )
    try:
        content = yaml.safe_load(RECIPES_FILE.read_text())
        recipes = expand_recipes(content["recipes"])
        errors = config_errors(
            {**content, "recipes": recipes}, yaml.safe_load(RECIPES_SCHEMA.read_text())
        )
        errors = errors or list(type_errors(recipes))
        if not errors:
            recipes = complete_recipes(recipes, config)
            errors = list(recipe_conflicts(recipes))
    except UserError as error:
        errors = [str(error)]
    except (yaml.YAMLError, AttributeError, KeyError, TypeError):
        errors = ["no recipes; give a mapping 'recipes' of names to options in YAML"]
    if errors:
        sys.exit(
            "\n".join(f"{ERROR_PREFIX}{RECIPES_FILE.name}: {line}" for line in errors)
        )
    return recipes


RECIPES = read_recipes()
CALIBRATIONS = {
    calibration_name(recipe): calibration_options(recipe) for recipe in RECIPES.values()
}
SWEPT = list(RECIPES)
# Recipes whose models differ in numbers alone are timed once.
TIMED = same_graphs(RECIPES)
# Speed counts where the config lets it be measured.
RECIPE_LATENCIES = (
    [f"results/sweep/latency/{recipe}.json" for recipe in dict.fromkeys(TIMED.values())]
    if LATENCY
    else []
)


wildcard_constraints:
    recipe="|".join(map(re.escape, RECIPES)),
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
