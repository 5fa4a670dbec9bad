# needs  the table of all recipes
# makes  results/figures/sweep.svg: agreement with float32 against speed


rule plot_sweep:
    """Plot agreement with float32 against speed, or size, of all recipes."""
    input:
        sweep="results/sweep.csv",
    output:
        figure=report(
            "results/figures/sweep.svg",
            caption="../report/sweep_figure.rst",
            category="5 Recipes",
            labels={"content": "all recipes", "shows": "agreement against speed"},
        ),
    log:
        "results/logs/plot_sweep.log",
    benchmark:
        "results/benchmarks/plot_sweep.tsv"
    conda:
        "../../envs/report.yaml"
    params:
        code=get_code("plot_sweep"),
    script:
        "../scripts/plot_sweep.py"
