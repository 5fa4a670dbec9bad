# needs  the curve of nodes in float32
# makes  results/figures/mixed_precision.svg: accuracy, size and speed along it


rule plot_mixed_precision:
    """Plot what nodes in float32 bring and cost."""
    input:
        curve="results/mixed_precision.csv",
    output:
        figure=report(
            "results/figures/mixed_precision.svg",
            caption="../report/mixed_precision.rst",
            category="5 Recipes",
            labels={
                "content": "nodes in float32",
                "shows": "accuracy, size and speed",
            },
        ),
    log:
        "results/logs/plot_mixed_precision.log",
    benchmark:
        "results/benchmarks/plot_mixed_precision.tsv"
    conda:
        "../../envs/report.yaml"
    params:
        target_drop_pp=config["sensitivity"]["target_drop_pp"],
        code=get_code("plot_mixed_precision"),
    script:
        "../scripts/plot_mixed_precision.py"
