"""A fingerprint of the code behind a rule, so that an edited module reruns the rules that use it.

Snakemake notices an edited script, but not an edited module that the script imports.
"""

import hashlib
import re
from pathlib import Path

# `from package import names`, with or without parentheses, and `import names`. Parsing all modules
# would take a sixth of a start of Snakemake. What only looks like an import does no harm.
IMPORT = re.compile(
    r"^[ \t]*(?:from[ \t]+([\w.]+)[ \t]+)?import[ \t]+(\([^)]*\)|[^\n]*)", re.MULTILINE
)
NAME = re.compile(r"\w[\w.]*")

Modules = dict[str, tuple[str, frozenset[str]]]  # text and imports by name; none: "" without any


def code_digest(script: Path, modules: Modules | None = None) -> str:
    """Return a SHA-256 over `script` and all modules beside it that it imports, directly or not.

    Only contents count; a touched, copied or moved file changes nothing. Installed packages are not
    followed: their versions are the business of the environment. `modules` keeps what is read for
    other scripts of the folder.
    """
    modules = {} if modules is None else modules
    content = script.read_text()
    seen, waiting = set[str](), set(_imports(content))
    while waiting:
        name = waiting.pop()
        seen.add(name)
        if name not in modules:
            modules[name] = _read(script.parent, name)
        waiting |= modules[name][1] - seen
    digest = hashlib.sha256(f"{content}\0".encode())
    for name in sorted(seen):
        if text := modules[name][0]:
            digest.update(f"{name}\0{text}".encode())
    return digest.hexdigest()


def _read(folder: Path, name: str) -> tuple[str, frozenset[str]]:
    file = folder.joinpath(*name.split("."))
    file = file / "__init__.py" if file.is_dir() else file.with_suffix(".py")
    if not file.is_file():
        return "", frozenset()
    text = file.read_text()
    return text, _imports(text)


def _imports(text: str) -> frozenset[str]:
    """Return the names that may be modules in the imports of a program, with their packages."""
    names: set[str] = set()
    for match in IMPORT.finditer(text):
        package, imported = match.groups()
        if package and package.startswith("."):
            line = text.count("\n", 0, match.start(1)) + 1
            raise ValueError(f"line {line}: relative imports are not followed")
        prefix = f"{package}." if package else ""
        names.update(prefix + name for name in NAME.findall(imported))
    parts = [name.split(".") for name in names]
    return frozenset(".".join(p[:count]) for p in parts for count in range(1, len(p) + 1))
