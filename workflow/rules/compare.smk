# needs  the evaluations of all models
# makes  results/comparison.csv, .md and .html


rule compare:
    """Put all models into one table."""
    input:
        evaluations=expand("results/{model}_eval.json", model=MODELS),
    output:
        csv="results/comparison.csv",
        md="results/comparison.md",
        html=report(
            "results/comparison.html",
            caption="../report/comparison.rst",
            category="Comparison",
            labels={"content": "accuracy and size", "format": "table"},
        ),
    log:
        "results/logs/compare.log",
    benchmark:
        "results/benchmarks/compare.tsv"
    conda:
        "../../envs/statistics.yaml"
    params:
        published_top1=config["baseline"]["published_top1"],
        saturation_threshold=config["evaluation"]["saturation_threshold"],
        code=get_code("compare"),
    script:
        "../scripts/compare.py"
