"""The same networks quantized by other tools; a command, `python -m benchmarks.peers`.

A peer is a module here that runs in a virtual environment of its own, with `inside`, and writes
models. The other modules run in that of the workflow: they measure those models and write a table.
"""
