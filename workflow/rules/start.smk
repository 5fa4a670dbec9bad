# The modules of this workflow, and the files of the configuration as a strict reader sees them.
# Before `configfile:`, since Snakemake takes the last of two equal keys, and prints a traceback for
# a file that it cannot read. Files of --configfile it has read by now; their keys are checked here.

import os
import sys
from pathlib import Path

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
sys.path.append(str(SCRIPTS))

from ptq_comparison.common.address import without_password
from ptq_comparison.common.errors import UserError
from ptq_comparison.common.job import ERROR_PREFIX
from ptq_comparison.config.yaml_file import read_yaml

# The working folder's own config wins; elsewhere the default of this repository serves.
CONFIG = Path("config/config.yaml")
if not os.path.lexists(CONFIG):
    CONFIG = Path(workflow.source_path("../../config/config.yaml"))


def stop(*lines, where="config"):
    """End the run with one line a mistake. Snakemake would add a traceback to an exception."""
    errors = "\n".join(f"{ERROR_PREFIX}{where}: {line}" for line in lines)
    sys.exit(without_password(errors))


def check_config_files():
    """Read the files of the configuration, which may have keys twice, for instance."""
    # In a module, the workflow around it has read them, and they may hold keys of its own.
    if workflow.modifier.skip_configfile:
        return
    # A pipe, as of --configfile <(command), is empty by now.
    given = [Path(file) for file in workflow.configfiles if os.path.isfile(file)]
    for file in [CONFIG, *given]:
        try:
            content = read_yaml(file)
        except UserError as error:
            stop(error, where=file.name)
        # Snakemake would run expressions in the file, or change the paths of results.
        for key in {"__use_yte__", "pathvars"}.intersection(content):
            stop(f"{key}: is an order to Snakemake; remove it", where=file.name)


check_config_files()
