# needs  what each node costs, in shares
# makes  results/sensitivity.csv, the worst node first


rule gather_sensitivity:
    """Rank the nodes by what they cost when they alone are quantized."""
    input:
        shares=gather.sensitivity("results/sensitivity/{scatteritem}.json"),
    output:
        csv="results/sensitivity.csv",
    log:
        "results/logs/gather_sensitivity.log",
    benchmark:
        "results/benchmarks/gather_sensitivity.tsv"
    conda:
        "../../envs/onnx.yaml"
    params:
        code=get_code("gather_sensitivity"),
    script:
        "../scripts/gather_sensitivity.py"
