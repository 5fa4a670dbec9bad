# needs  what each node costs
# makes  results/figures/sensitivity.svg: divergence and changed answers of each node


rule plot_sensitivity:
    """Plot what each node costs, quantized alone and left out."""
    input:
        sensitivity="results/sensitivity.csv",
    output:
        figure=report(
            "results/figures/sensitivity.svg",
            caption="../report/sensitivity.rst",
            category="5 Recipes",
            labels={"content": "nodes", "shows": "what each of them costs"},
        ),
    log:
        "results/logs/plot_sensitivity.log",
    benchmark:
        "results/benchmarks/plot_sensitivity.tsv"
    conda:
        "../../envs/report.yaml"
    params:
        code=get_code("plot_sensitivity"),
    script:
        "../scripts/plot_sensitivity.py"
