"""Editing a module that a script imports must change the digest of the script."""

import ast
import os
import re

import pytest
from helpers import REPOSITORY
from ptq_comparison.common.code_digest import _imports, code_digest


@pytest.fixture
def script(tmp_path):
    package = tmp_path / "pkg"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "used.py").write_text("from pkg import deep\n")
    (package / "deep.py").write_text("X = 1\n")
    (package / "unused.py").write_text("X = 1\n")
    path = tmp_path / "rule.py"
    path.write_text("def main():\n    from pkg.used import deep\n    import json, numpy\n")
    return path


def test_modules_count_directly_or_not(script):
    before = code_digest(script)
    package = script.parent / "pkg"
    os.utime(package / "deep.py", (0, 0))
    (package / "unused.py").write_text("X = 2\n")
    assert code_digest(script) == before
    (package / "deep.py").write_text("X = 2\n")
    assert code_digest(script) != before


def test_the_script_itself_counts_by_its_content(script):
    before = code_digest(script)
    script.touch()
    assert code_digest(script) == before
    script.write_text(script.read_text() + "\n# A change.\n")
    assert code_digest(script) != before


def test_the_place_does_not_matter(script, tmp_path_factory):
    other = tmp_path_factory.mktemp("moved") / "elsewhere"
    before = code_digest(script)
    script.parent.rename(other)
    assert code_digest(other / "rule.py") == before


def test_a_relative_import_is_not_lost(script):
    (script.parent / "pkg/used.py").write_text("from . import deep\n")
    with pytest.raises(ValueError, match="line 1: relative imports are not followed"):
        code_digest(script)


def test_scripts_of_the_workflow_follow_their_modules():
    scripts = sorted((REPOSITORY / "workflow/scripts").glob("*.py"))
    assert len(scripts) >= 8
    imported = {  # two scripts may import the same modules, and only those
        script: frozenset(re.findall(r"from (ptq_comparison\S*) import", script.read_text()))
        for script in scripts
    }
    digests = {(imported[script], code_digest(script)) for script in scripts}
    assert len(digests) == len(set(imported.values())) == len({digest for _, digest in digests})


@pytest.mark.parametrize(
    "text",
    [
        "from pkg import (\n    unused,  # a comment\n    deep as other,\n)\n",
        "if True:\n    from pkg import unused, deep\n",
        "import json, pkg.deep as other\n",
        "    import pkg.deep\n",
        "from pkg.deep import X\n",
    ],
)
def test_every_way_to_import_is_followed(script, text):
    script.write_text(text)
    before = code_digest(script)
    (script.parent / "pkg/deep.py").write_text("X = 2\n")
    assert code_digest(script) != before


def test_no_import_of_the_workflow_is_missed():
    scripts = REPOSITORY / "workflow/scripts"
    for path in scripts.rglob("*.py"):
        text = path.read_text()
        expected = set()
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Import):
                expected |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                expected |= {f"{node.module}.{alias.name}" for alias in node.names}
        assert expected <= _imports(text), path


def test_scripts_share_what_is_read(script):
    modules = {}
    alone = code_digest(script)
    assert code_digest(script, modules) == alone
    assert {"pkg.used", "pkg.deep"} <= {name for name, (text, _) in modules.items() if text}
    (script.parent / "pkg/deep.py").write_text("X = 2\n")
    assert code_digest(script, modules) == alone
