"""One script out of the modules that a device can run: Python 3.8, NumPy and onnxruntime alone."""

import ast
from pathlib import Path

PACKAGE = "ptq_comparison"
TYPES_ONLY = "TYPE_CHECKING"
INSTALLED = ("numpy", "onnxruntime")  # all that a device needs besides Python


def assemble(start: Path) -> str:
    """Return a module in a room of the package, and those it imports, as one script.

    Comments stay. Raises ValueError where two modules give one name to different things, or one
    imports what a script cannot hold.
    """
    package = start.parents[1]
    parts: dict[str, str] = {}
    header: dict[str, set[str]] = {"typing": {TYPES_ONLY}}
    owners: dict[str, str] = {}
    _add(package, str(start.relative_to(package)), parts, header, owners)
    docstring = ast.get_docstring(ast.parse(start.read_text()), clean=False)
    head = [
        "#!/usr/bin/env python3",
        f'"""{docstring}\n\nNeeds Python 3.8, NumPy and onnxruntime 1.14, or newer: pip install '
        'onnxruntime numpy\n"""',
        "",
        "from __future__ import annotations",
        "",
        *_import_lines(header),
        "",
    ]
    sections = [f"\n# --- {PACKAGE}/{name} ---\n\n{text}" for name, text in parts.items()]
    return "\n".join([*head, *sections])


def _import_lines(header: dict[str, set[str]]) -> list[str]:
    """Return the imports of modules, and of names from modules."""
    plain = sorted(line for line, names in header.items() if not names)
    installed = [line for line in plain if line.split()[1] in INSTALLED]
    of_names = [
        f"from {module} import {', '.join(sorted(names))}"
        for module, names in sorted(header.items())
        if names
    ]
    guarded = [
        "",
        "# onnxruntime would look a host up at its import.",
        'os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")',
        "try:",
        *(f"    {line}" for line in installed),
        "except ImportError as error:",
        f'    sys.exit(f"error: {{error}}; type: pip install {" ".join(reversed(INSTALLED))}")',
    ]
    others = [line for line in plain if line not in installed]
    return [*others, *of_names, *(guarded if installed else [])]


def _add(
    package: Path,
    name: str,
    parts: dict[str, str],
    header: dict[str, set[str]],
    owners: dict[str, str],
) -> None:
    """Add a module behind those that it imports."""
    source = (package / name).read_text()
    lines = source.splitlines()
    tree = ast.parse(source)
    own = set[str]()
    for number, node in enumerate(tree.body):
        is_docstring = number == 0 and isinstance(node, ast.Expr)
        is_import = isinstance(node, ast.Import | ast.ImportFrom)
        if not (is_docstring or is_import):
            # An import for types alone stays, as of onnx, which no device needs.
            own |= set() if _is_for_types(node) else _defined(node)
            continue
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(f"{PACKAGE}."):
            if any(alias.asname for alias in node.names):
                raise ValueError(f"{name}:{node.lineno}: `as` cannot be kept")
            path = f"{str(node.module).partition('.')[2].replace('.', '/')}.py"
            if path not in parts:
                _add(package, path, parts, header, owners)
        elif isinstance(node, ast.Import):
            header[ast.unparse(node)] = set()
        elif isinstance(node, ast.ImportFrom) and node.module != "__future__":
            names = header.setdefault(str(node.module), set())
            names |= {ast.unparse(alias) for alias in node.names}
        assert node.end_lineno
        for line in range(node.lineno - 1, node.end_lineno):
            lines[line] = "\0"
    for defined in own:
        if owners.setdefault(defined, name) != name:
            raise ValueError(f"{name} and {owners[defined]} both define {defined}")
    parts[name] = "\n".join(line for line in lines if line != "\0").strip("\n") + "\n"


def _is_for_types(node: ast.stmt) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) == TYPES_ONLY


def _defined(node: ast.stmt) -> set[str]:
    """Return the names that a statement of a module defines."""
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return {node.name}
    return {
        child.id
        for child in ast.walk(node)
        if isinstance(child, ast.Name) and isinstance(child.ctx, ast.Store)
    }
