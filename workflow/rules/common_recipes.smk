# The recipes of the sweep, checked and completed, and what several rules derive from them.

from ptq_comparison.recipes import (
    AUTO,
    REFINEMENTS,
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
RECIPES_SCHEMA = Path(workflow.source_path("../schemas/recipes.schema.yaml"))


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


def get_mixed_recipe(wildcards):
    """Return the recipe whose nodes are tried one by one, and which `auto` starts from."""
    name = config["sensitivity"]["recipe"] or next(iter(RECIPES))
    if name not in RECIPES:
        raise WorkflowError(
            f"sensitivity.recipe: there is no recipe {name!r} in {RECIPES_FILE}; allowed: "
            f"{', '.join(RECIPES)}, or null for the first one"
        )
    refined = [key for key, plain in REFINEMENTS.items() if RECIPES[name][key] != plain]
    if refined:
        raise WorkflowError(
            f"sensitivity.recipe: {name} has {', '.join(refined)}, which single nodes are tried "
            "without; name a recipe that has not"
        )
    return RECIPES[name]


def get_mixed_model(wildcards):
    """Name the float32 model that the recipe of `sensitivity` starts from."""
    return get_folded_or_given(get_mixed_recipe(wildcards)["preprocess"])


def get_mixed_ranges(wildcards):
    """Name the ranges of the recipe of `sensitivity`."""
    return f"results/sweep/ranges/{calibration_name(get_mixed_recipe(wildcards))}.json"
