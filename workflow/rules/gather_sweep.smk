# needs  the evaluations and times of all recipes
# makes  results/sweep.csv, and .html for the report


rule gather_sweep:
    """Put all recipes into one table, the best first."""
    input:
        evaluations=expand("results/sweep/{recipe}_eval.json", recipe=SWEPT),
        latencies=RECIPE_LATENCIES,
    output:
        csv="results/sweep.csv",
        html=report(
            "results/sweep.html",
            caption="../report/sweep.rst",
            category="5 Recipes",
            labels={"content": "all recipes", "shows": "validation and speed"},
        ),
    log:
        "results/logs/gather_sweep.log",
    benchmark:
        "results/benchmarks/gather_sweep.tsv"
    conda:
        "../../envs/report.yaml"
    params:
        timed=[TIMED[recipe] for recipe in SWEPT] if LATENCY else [],
        code=get_code("gather_sweep"),
    script:
        "../scripts/gather_sweep.py"
