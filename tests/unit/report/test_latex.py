"""The comparison for a paper; LaTeX reads it where it is installed."""

import re
import shutil
import subprocess

import pandas as pd
import pytest
from ptq_comparison.report.latex import latex_table

TABLE = pd.DataFrame(
    {
        "model": ["fp32", r"a_b & 50 % #1 {x} $y$ ~z^2 \\q", "u8s8-x"],
        "difference (95 % interval)": ["", "-0.12 (-0.31 to +0.06)", "+0.10 (-1.00 to +1.20)"],
        "p": ["", "3.2e-12", "1"],
    }
)


def test_it_is_a_tabular_with_the_rules_of_booktabs():
    lines = latex_table(TABLE).splitlines()
    assert lines[0] == r"% \usepackage{booktabs}"
    assert lines[1] == r"\begin{tabular}{lrr}" and lines[-1] == r"\end{tabular}"
    assert [line for line in lines if line.endswith("rule")] == [
        r"\toprule", r"\midrule", r"\bottomrule",
    ]  # fmt: skip
    rows = [line for line in lines if line.endswith(r"\\")]
    assert len(rows) == 4 and all(len(re.findall(r"(?<!\\)&", row)) == 2 for row in rows)


def test_special_letters_are_escaped():
    rows = latex_table(TABLE).splitlines()
    assert r"difference (95 \% interval)" in rows[3]
    body = "\n".join(rows[3:-1])
    for letter in "%#_{}":
        bare = re.sub(r"\\text\w+ ?(\{\})?|\\\\space ?", "", body)
        assert not re.search(rf"(?<!\\){re.escape(letter)}", bare), letter
    assert r"a\_b \& 50 \% \#1 \{x\} \$y\$" in body


def test_a_negative_number_has_a_minus_and_a_name_its_hyphen():
    text = latex_table(TABLE)
    assert "$-$0.12 ($-$0.31 to +0.06)" in text
    assert "u8s8-x" in text and "3.2e-12" in text


@pytest.mark.skipif(not shutil.which("pdflatex"), reason="no LaTeX here")
def test_latex_reads_it(tmp_path):
    (tmp_path / "table.tex").write_text(latex_table(TABLE))
    (tmp_path / "paper.tex").write_text(
        r"\documentclass{article}\usepackage{booktabs}\begin{document}\input{table}\end{document}"
    )
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "paper.tex"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
