# needs  the selected recipe and the standard dtypes on the test images, and their times
# makes  results/recommendation.json, .md and .html


use rule measure_latency as time_recommended with:
    input:
        models=expand("results/models/{model}.onnx", model=["fp32", RECOMMENDED]),
        images="results/dataset/test_images.npy",
    output:
        latency="results/recommended_latency.json",
    log:
        "results/logs/time_recommended.log",
    benchmark:
        "results/benchmarks/time_recommended.tsv"
    params:
        models=["fp32", RECOMMENDED],
        threads=config["latency"]["threads"][:1],
        batch_sizes=config["latency"]["batch_sizes"][:1],
        seconds=config["latency"]["seconds"],
        preprocessing=PREPROCESSING,
        code=get_code("measure_latency"),


rule write_recommendation:
    """Say which recipe to ship, why, and what it gives on the test images."""
    input:
        selection="results/sweep/selection.json",
        sweep="results/sweep.csv",
        evaluation=f"results/{RECOMMENDED}_eval.json",
        evaluations=expand("results/{model}_eval.json", model=MODELS),
        latencies=(
            ["results/latency.json", "results/recommended_latency.json"]
            if LATENCY
            else []
        ),
    output:
        json="results/recommendation.json",
        md="results/recommendation.md",
        html=report(
            "results/recommendation.html",
            caption="../report/recommendation.rst",
            category="5 Recipes",
            labels={
                "content": "recommendation",
                "shows": "why, and on test images",
            },
        ),
    log:
        "results/logs/write_recommendation.log",
    benchmark:
        "results/benchmarks/write_recommendation.tsv"
    conda:
        "../../envs/report.yaml"
    params:
        code=get_code("write_recommendation"),
    script:
        "../scripts/write_recommendation.py"
