# needs  the evaluations of all models
# makes  results/figures/confusion.svg: change of the confusion matrix


rule plot_confusion:
    """Plot how the confusion matrix changes against that of float32."""
    input:
        evaluations=expand("results/{model}_eval.json", model=MODELS),
    output:
        figure=report(
            "results/figures/confusion.svg",
            caption="../report/confusion.rst",
            category="2 Where accuracy changes",
            labels={"content": "classes", "shows": "confusion, as the difference"},
        ),
    log:
        "results/logs/plot_confusion.log",
    benchmark:
        "results/benchmarks/plot_confusion.tsv"
    conda:
        "../../envs/report.yaml"
    params:
        code=get_code("plot_confusion"),
    script:
        "../scripts/plot_confusion.py"
