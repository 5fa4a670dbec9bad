"""Which room imports which: the table in the docstring of the package is kept."""

import ast
import re

import ptq_comparison
from helpers import REPOSITORY

PACKAGE = REPOSITORY / "workflow/scripts/ptq_comparison"
ROOMS = {path.name for path in PACKAGE.iterdir() if (path / "__init__.py").is_file()}
MODULES = sorted(path.relative_to(PACKAGE) for path in PACKAGE.rglob("*.py"))


def read_table(docstring):
    """Return the rooms that each room may import from; `common` is open to all."""
    lines = docstring.splitlines()
    (head,) = [number for number, line in enumerate(lines) if line.endswith("imports from")]
    column = lines[head].index("imports from")
    allowed = {}
    for line in lines[head + 1 :]:
        if not line.strip():
            break
        match = re.match(r" {4}(\w+)", line)
        if match:
            room = match.group(1)
            allowed[room] = {"common", room}
        names = line[column:]
        if names not in ("-", "nothing of the package"):
            allowed[room] |= set(names.split())
    return allowed


ALLOWED = read_table(ptq_comparison.__doc__)


def imports(path):
    """Return the line and the full name of every import of a module, also inside functions."""
    found = []
    for node in ast.walk(ast.parse((PACKAGE / path).read_text())):
        if isinstance(node, ast.Import):
            found += [(node.lineno, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: a relative import"
            found += [(node.lineno, f"{node.module}.{alias.name}") for alias in node.names]
    return found


def test_the_table_names_every_room():
    assert set(ALLOWED) == ROOMS
    assert set().union(*ALLOWED.values()) == ROOMS
    assert [room for room, names in ALLOWED.items() if "report" in names] == ["report"]


def test_modules_import_what_their_rooms_may():
    forbidden = []
    for path in MODULES:
        home = path.parts[0]
        for line, name in imports(path):
            top, room, *_ = f"{name}.".split(".")
            outside = top == "ptq_comparison" and room not in ALLOWED[home]
            if outside or (home == "model" and top == "onnxruntime"):
                forbidden.append(f"{path}:{line}: {name}")
    assert not forbidden, "\n".join(forbidden)


def test_init_files_hold_no_code():
    """The fingerprint of a rule counts the parent packages of all that its script imports."""
    for path in MODULES:
        if path.stem == "__init__":
            tree = ast.parse((PACKAGE / path).read_text())
            assert len(tree.body) == 1 and ast.get_docstring(tree), path


def test_modules_lie_in_rooms():
    assert {path.parts[0] for path in MODULES if len(path.parts) > 1} == ROOMS
    assert [path for path in MODULES if len(path.parts) == 1 and path.stem != "__init__"] == []
