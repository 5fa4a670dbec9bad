"""The section `figures` of the config."""

import pytest
from helpers import overlay, run_snakemake
from helpers.rules import figure_names
from helpers.shared_runs import copy_run
from helpers.svg import read_svg


def test_formats_titles_and_text_make_the_figures_again_and_nothing_else(tiny, tiny_run, tmp_path):
    copy_run(tiny_run, tmp_path)
    settings = {"figures": {"formats": ["pdf", "png"], "titles": False, "text": "letters"}}
    files = (tiny / "config.yaml", overlay(tmp_path / "o.yaml", settings))
    result = run_snakemake(tmp_path, "all", configfiles=files)
    assert result.returncode == 0, result.stdout
    ran = {
        line.split()[1].rstrip(":")
        for line in result.stdout.splitlines()
        if line.startswith(("rule ", "localrule "))
    }
    assert ran == {"plot_figures", "all"}
    for figure in figure_names():
        # The SVG is always made, since the report shows it.
        path = tmp_path / f"results/figures/{figure}.svg"
        root, _, outlines = read_svg(path)
        assert root.get("role") == "img" and root.get("aria-label") and not outlines
        assert "<text" in path.read_text()
        assert path.with_suffix(".pdf").read_bytes().startswith(b"%PDF")
        assert path.with_suffix(".png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"formats": ["jpeg"]}, "figures.formats.0: jpeg"),
        ({"formats": []}, "figures.formats: "),
        ({"text": "paths"}, "figures.text: "),
        ({"titles": "no"}, "figures.titles: "),
    ],
)
def test_what_is_no_format_is_refused(settings, message, tiny, tmp_path):
    files = (tiny / "config.yaml", overlay(tmp_path / "o.yaml", {"figures": settings}))
    result = run_snakemake(tmp_path, "all", configfiles=files, options=("--dry-run",))
    assert result.returncode != 0
    assert f"error: config: {message}" in result.stdout
