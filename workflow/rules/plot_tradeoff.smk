# needs  the evaluations of all models, and their times where the config asks for them
# makes  results/figures/tradeoff.svg: accuracy against throughput and size


rule plot_tradeoff:
    """Plot accuracy against throughput and size: what is won, and what it costs."""
    input:
        evaluations=expand("results/{model}_eval.json", model=MODELS),
        latency=LATENCY,
    output:
        figure=report(
            "results/figures/tradeoff.svg",
            caption="../report/tradeoff.rst",
            category="1 Comparison",
            labels={
                "content": "all models",
                "shows": "accuracy against speed and size",
            },
        ),
    log:
        "results/logs/plot_tradeoff.log",
    benchmark:
        "results/benchmarks/plot_tradeoff.tsv"
    conda:
        "../../envs/report.yaml"
    params:
        code=get_code("plot_tradeoff"),
    script:
        "../scripts/plot_tradeoff.py"
