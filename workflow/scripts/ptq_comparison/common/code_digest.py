"""A fingerprint of the code behind a rule, so that an edited module reruns the rules that use it.

Snakemake notices an edited script, but not an edited module that the script imports.
"""

import ast
import hashlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path


def code_digest(script: Path) -> str:
    """Return a SHA-256 over all modules beside `script` that it imports, directly or not.

    The script itself is left out: Snakemake watches it. Only contents count; a touched or moved
    file changes nothing. Installed packages are not followed: their versions are the
    business of the environment.
    """
    folder, texts = script.parent, {}
    beside = {path.stem for path in folder.iterdir()}
    seen, waiting = set[str](), set(_imports(script.read_text()))
    while waiting:
        name = waiting.pop()
        seen.add(name)
        if name.partition(".")[0] in beside:
            file = folder.joinpath(*name.split("."))
            file = file / "__init__.py" if file.is_dir() else file.with_suffix(".py")
            if file.is_file():
                texts[name] = file.read_text()
                waiting |= _imports(texts[name]) - seen
    digest = hashlib.sha256()
    for name, text in sorted(texts.items()):
        digest.update(f"{name}\0{text}".encode())
    return digest.hexdigest()


def _statements(block: ast.AST) -> Iterator[ast.stmt]:
    """Yield the statements of a program, also nested ones; in expressions there are none."""
    for field in ("body", "orelse", "finalbody", "handlers", "cases"):
        for node in getattr(block, field, ()):
            if isinstance(node, ast.stmt):
                yield node
            yield from _statements(node)


# For a start of Snakemake: forty rules share their modules. The standard library's ModuleFinder
# reads them again for each rule, and takes three times as long.
@cache
def _imports(text: str) -> frozenset[str]:
    """Return the names that may be modules in the imports of a program, with their packages."""
    names: set[str] = set()
    for node in _statements(ast.parse(text)):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                raise ValueError(f"line {node.lineno}: relative imports are not followed")
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
    parts = [name.split(".") for name in names]
    return frozenset(".".join(p[:count]) for p in parts for count in range(1, len(p) + 1))
