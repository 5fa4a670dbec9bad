"""Snakemake, imported once and forked for every run that a test asks for.

Half of the time of a short run goes into the imports of Snakemake. A fork has them already, and is
otherwise a process of its own, which parses and imports the workflow anew.

It reads a request a line (JSON: argv, cwd, environment, output) and answers with the exit code of
the run, which is negative if a signal ended it.
"""

import gc
import json
import os
import signal
import sys

# Snakemake and the rules import these while they run.
import jsonschema  # noqa: F401
import nbformat  # noqa: F401
import pandas  # noqa: F401
import smart_open  # noqa: F401
from snakemake import api, benchmark, cli, dag, parser, scheduling, workflow  # noqa: F401

TIMEOUT = 600  # seconds


def next_run() -> list[str]:
    """Answer requests until this process is the fork that runs one; return its arguments."""
    for line in sys.stdin:
        request = json.loads(line)
        child = os.fork()
        if child:
            _, status = os.waitpid(child, 0)
            print(os.waitstatus_to_exitcode(status), flush=True)
            continue
        signal.alarm(TIMEOUT)
        os.environ.clear()
        os.environ.update(request["environment"])
        os.chdir(request["cwd"])
        sys.path[0] = request["cwd"]  # as `python -m snakemake` has it
        for target, path, flags in (
            (0, os.devnull, os.O_RDONLY),
            (1, request["output"], os.O_WRONLY | os.O_CREAT | os.O_APPEND),
        ):
            descriptor = os.open(path, flags)
            os.dup2(descriptor, target)
            os.close(descriptor)
        os.dup2(1, 2)
        return list(request["argv"])
    sys.exit()


if __name__ == "__main__":
    cli.get_argument_parser()  # imports the plugins
    gc.freeze()  # no fork looks for garbage in what it has not made
    sys.argv = next_run()
    cli.main()
