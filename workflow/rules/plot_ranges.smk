# needs  how the values of each tensor lie on its grid
# makes  results/figures/ranges.svg: range of each tensor and the share of the grid in use


rule plot_ranges:
    """Plot the range of each activation tensor and the share of its grid in use."""
    input:
        activations="results/calibration/activations.json",
    output:
        figure=report(
            "results/figures/ranges.svg",
            caption="../report/ranges.rst",
            category="3 Calibration",
            labels={"content": "tensors", "shows": "ranges and use of the grid"},
        ),
    log:
        "results/logs/plot_ranges.log",
    benchmark:
        "results/benchmarks/plot_ranges.tsv"
    conda:
        "../../envs/report.yaml"
    params:
        code=get_code("plot_ranges"),
    script:
        "../scripts/plot_ranges.py"
