# needs  the evaluations of all models
# makes  results/figures/accuracy.svg: accuracy and paired difference, with intervals


rule plot_accuracy:
    """Plot the accuracy of every model and its difference to float32, with intervals."""
    input:
        evaluations=expand("results/{model}_eval.json", model=MODELS),
    output:
        figure=report(
            "results/figures/accuracy.svg",
            caption="../report/accuracy.rst",
            category="1 Comparison",
            labels={"content": "all models", "shows": "accuracy with intervals"},
        ),
    log:
        "results/logs/plot_accuracy.log",
    benchmark:
        "results/benchmarks/plot_accuracy.tsv"
    conda:
        "../../envs/report.yaml"
    params:
        code=get_code("plot_accuracy"),
    script:
        "../scripts/plot_accuracy.py"
