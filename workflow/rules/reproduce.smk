# needs  the evaluations, and baseline.published of the config
# makes  results/reproduction.md: published and measured figures side by side


rule reproduce:
    """Put the published figures beside the measured ones, and explain what differs."""
    input:
        evaluations=expand("results/{model}_eval.json", model=MODELS),
    output:
        md="results/reproduction.md",
    log:
        "results/logs/reproduce.log",
    benchmark:
        "results/benchmarks/reproduce.tsv"
    conda:
        "../../envs/onnx.yaml"
    params:
        published=config["baseline"]["published"],
        code=get_code("reproduce"),
    script:
        "../scripts/reproduce.py"
