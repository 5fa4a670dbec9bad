# Ends the run where Snakemake cannot work with the folder of the workflow, or the working folder.
# It comes before the configuration, whose path Snakemake prints.

import os
import sys

# Snakemake formats the paths of scripts, looks for its locks with the working folder as a pattern,
# and writes paths as UTF-8.
REPOSITORY = os.path.dirname(os.path.dirname(str(workflow.current_basedir)))
for folder, signs in ((REPOSITORY, "{}<>"), (os.getcwd(), "{}")):
    is_utf8 = os.fsencode(folder).decode(errors="replace") == folder
    if set(signs).intersection(folder) or not is_utf8:
        sys.exit(
            f"error: {ascii(folder)}: Snakemake cannot run with one of {' '.join(signs)}, or a byte "
            "that is not UTF-8, in this path; move or rename the folder"
        )
for folder in filter(os.path.isdir, (".", ".snakemake", "results")):
    if not os.access(folder, os.W_OK | os.X_OK):  # Snakemake would end with a traceback
        sys.exit(
            f"error: {os.path.abspath(folder)}: cannot be written to; run in a folder that can, or "
            "name one with --directory"
        )
