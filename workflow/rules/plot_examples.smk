# needs  the predictions of all models, and the test images
# makes  results/figures/examples.svg: images that quantization breaks and fixes


rule plot_examples:
    """Show images that quantization breaks and fixes, with answers and scores."""
    input:
        predictions=expand("results/predictions/{model}.npz", model=MODELS),
        images="results/dataset/test_images.npy",
        dataset="results/dataset/dataset.json",
    output:
        figure=report(
            "results/figures/examples.svg",
            caption="../report/examples.rst",
            category="2 Where accuracy changes",
            labels={"content": "images", "shows": "broken and fixed"},
        ),
    log:
        "results/logs/plot_examples.log",
    benchmark:
        "results/benchmarks/plot_examples.tsv"
    conda:
        "../../envs/report.yaml"
    params:
        models=MODELS,
        code=get_code("plot_examples"),
    script:
        "../scripts/plot_examples.py"
