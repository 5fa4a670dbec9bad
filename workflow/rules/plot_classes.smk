# needs  the evaluations of all models
# makes  results/figures/classes.svg: accuracy of each class


rule plot_classes:
    """Plot the accuracy of each class for all models."""
    input:
        evaluations=expand("results/{model}_eval.json", model=MODELS),
    output:
        figure=report(
            "results/figures/classes.svg",
            caption="../report/classes.rst",
            category="2 Where accuracy changes",
            labels={"content": "classes", "shows": "accuracy of each class"},
        ),
    log:
        "results/logs/plot_classes.log",
    benchmark:
        "results/benchmarks/plot_classes.tsv"
    conda:
        "../../envs/report.yaml"
    params:
        code=get_code("plot_classes"),
    script:
        "../scripts/plot_classes.py"
