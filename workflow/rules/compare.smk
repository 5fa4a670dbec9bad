# needs  the evaluations of all models, and their times where the config asks for them
# makes  results/comparison.csv, .md and .html, and verdict.txt, the same in one sentence


rule compare:
    """Put all models into one table, and the verdict into one sentence."""
    input:
        evaluations=expand("results/{model}_eval.json", model=MODELS),
        latency=LATENCY,
    output:
        csv="results/comparison.csv",
        md="results/comparison.md",
        html=report(
            "results/comparison.html",
            caption="../report/comparison.rst",
            category="1 Comparison",
            labels={"content": "all models", "shows": "accuracy, size and speed"},
        ),
        verdict="results/verdict.txt",
    log:
        "results/logs/compare.log",
    benchmark:
        "results/benchmarks/compare.tsv"
    conda:
        "../../envs/report.yaml"
    params:
        published_top1=config["baseline"]["published_top1"],
        saturation_threshold=config["evaluation"]["saturation_threshold"],
        code=get_code("compare"),
    script:
        "../scripts/compare.py"
