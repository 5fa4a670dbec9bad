"""Measure the models of a bundle on this machine: predictions, speed, memory and saturation."""

from __future__ import annotations

import argparse
import platform
import re
import sys
from pathlib import Path

from ptq_comparison.common.errors import UserError
from ptq_comparison.common.provider_names import CPU
from ptq_comparison.device.manifest import open_bundle
from ptq_comparison.device.measurement import Run
from ptq_comparison.device.record import record_table

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}")


def main(arguments: list[str] | None = None, folder: Path | None = None) -> int:
    """Measure the bundle that this file lies in, or `folder`; return the exit code."""
    options = read_arguments(arguments)
    path = Path(f"device_{options.name}.json")
    try:
        bundle = open_bundle(folder or Path(__file__).resolve().parent)
        run = Run(bundle, path, options)
        run.measure()
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        there = f"; what was measured is in {path}" if path.is_file() else ""
        print(f"\nstopped{there}; the same command goes on", file=sys.stderr)
        return 130
    print(record_table(run.record))
    print(f"Written: {path.resolve()}")
    return 0


def read_arguments(arguments: list[str] | None) -> argparse.Namespace:
    """Return the options; exits with 2 for what is none."""
    parser = argparse.ArgumentParser(description=__doc__)
    host = re.sub(r"[^A-Za-z0-9._-]+", "-", platform.node()).strip("-._")[:40] or "device"
    parser.add_argument("--name", default=host, help="name of this machine (%(default)s)")
    parser.add_argument("--threads", help="threads of a session, or: all")
    parser.add_argument("--seconds", type=float, help="of calls of the float32 model")
    parser.add_argument("--provider", default=CPU, help="execution provider (%(default)s)")
    parser.add_argument("--models", help="some, with commas between; fp32 always is")
    parser.add_argument("--no-times", action="store_true", help="measure predictions alone")
    parser.add_argument("--emulated", metavar="TEXT", help="what emulates this CPU; no times then")
    options = parser.parse_args(arguments)
    if not NAME.fullmatch(options.name):
        parser.error("--name: letters, digits, '.', '_' and '-' alone, at most 40")
    if options.threads not in (None, "all") and not (
        options.threads.isdecimal() and int(options.threads) > 0
    ):
        parser.error("--threads: a number from 1, or all")
    if options.seconds is not None and not 0 < options.seconds < float("inf"):
        parser.error("--seconds: more than 0")
    return options


if __name__ == "__main__":
    sys.exit(main())
