# needs  evaluations, times, and what the other stages measured
# makes  tables, pages and figures for people: results/comparison.*, verdict.txt, figures/,
#        verification.html, reproduction.md


rule compare:
    """Put all models into one table, and decide which one to ship."""
    input:
        evaluations=expand("results/{model}_eval.json", model=MODELS),
        predictions=expand("results/predictions/{model}.npz", model=MODELS),
        latency=LATENCY_FILE,
        diagnosis="results/diagnosis.json",
        references=expand(
            "results/models/{reference}.json",
            reference=config["comparison"]["references"],
        ),
        devices=get_devices_json,
    output:
        csv="results/comparison.csv",
        md="results/comparison.md",
        html=report(
            "results/comparison.html",
            caption="../report/comparison.rst",
            category="1 Comparison",
            labels={"content": "all models", "shows": "accuracy, size and speed"},
        ),
        # The report opens with it; report/workflow.rst reads it.
        landing="results/landing.html",
        tex="results/comparison.tex",
        verdict="results/verdict.txt",
        summary="results/summary.txt",
    log:
        "results/logs/compare.log",
    benchmark:
        "results/benchmarks/compare.tsv"
    conda:
        "../../envs/report.yaml"
    resources:
        mem_mb=get_small_memory,
    params:
        max_drop_pp=config["acceptance"]["max_drop_pp"],
        published_top1=config["baseline"]["published_top1"],
        saturation_threshold=config["evaluation"]["saturation_threshold"],
        code=get_code("compare"),
    script:
        "../scripts/compare.py"


rule report_verification:
    """Put the verification into a table that sorts and searches."""
    input:
        verification="results/verification.json",
    output:
        html=report(
            "results/verification.html",
            caption="../report/verification.rst",
            category="4 Verification",
            labels={"content": "requirements", "shows": "expected and measured"},
        ),
    log:
        "results/logs/report_verification.log",
    benchmark:
        "results/benchmarks/report_verification.tsv"
    conda:
        "../../envs/report.yaml"
    resources:
        mem_mb=get_small_memory,
    params:
        code=get_code("report_verification"),
    script:
        "../scripts/report_verification.py"


rule reproduce:
    """Put the published results beside the measured ones, and explain what differs."""
    input:
        evaluations=expand("results/{model}_eval.json", model=MODELS),
        draws=CONFIGURED_DRAWS,
    output:
        md="results/reproduction.md",
    log:
        "results/logs/reproduce.log",
    benchmark:
        "results/benchmarks/reproduce.tsv"
    conda:
        "../../envs/onnx.yaml"
    resources:
        mem_mb=get_small_memory,
    params:
        published=config["baseline"]["published"],
        code=get_code("reproduce"),
    script:
        "../scripts/reproduce.py"


rule plot_figures:
    """Plot what `all` shows: in one process, as each would import the same for seconds."""
    input:
        evaluations=expand("results/{model}_eval.json", model=MODELS),
        latency=LATENCY_FILE,
        # Without references, which would take room from what quantization changes.
        predictions=expand("results/predictions/{model}.npz", model=CANDIDATES),
        images="results/dataset/test_images.npy",
        dataset="results/dataset/dataset.json",
        activations="results/calibration/activations.json",
    output:
        accuracy=report(
            "results/figures/accuracy.svg",
            caption="../report/accuracy.rst",
            category="1 Comparison",
            labels={"content": "all models", "shows": "accuracy with intervals"},
        ),
        tradeoff=report(
            "results/figures/tradeoff.svg",
            caption="../report/tradeoff.rst",
            category="1 Comparison",
            labels={
                "content": "all models",
                "shows": "accuracy against speed and size",
            },
        ),
        classes=report(
            "results/figures/classes.svg",
            caption="../report/classes.rst",
            category="2 Where accuracy changes",
            labels={"content": "classes", "shows": "accuracy of each class"},
        ),
        confusion=report(
            "results/figures/confusion.svg",
            caption="../report/confusion.rst",
            category="2 Where accuracy changes",
            labels={"content": "classes", "shows": "confusion, as the difference"},
        ),
        examples=report(
            "results/figures/examples.svg",
            caption="../report/examples.rst",
            category="2 Where accuracy changes",
            labels={"content": "images", "shows": "broken and fixed"},
        ),
        ranges=report(
            "results/figures/ranges.svg",
            caption="../report/ranges.rst",
            category="3 Calibration",
            labels={"content": "tensors", "shows": "ranges and use of the grid"},
        ),
        more=expand(
            "results/figures/{figure}.{format}", figure=FIGURES, format=MORE_FORMATS
        ),
    log:
        "results/logs/plot_figures.log",
    benchmark:
        "results/benchmarks/plot_figures.tsv"
    conda:
        "../../envs/report.yaml"
    resources:
        mem_mb=get_small_memory,
    params:
        models=CANDIDATES,
        options=config["figures"],
        code=get_code("plot_figures"),
    script:
        "../scripts/plot_figures.py"


rule plot_sensitivity:
    """Plot what each node costs, quantized alone and left out."""
    input:
        sensitivity="results/sensitivity.csv",
    output:
        figure=report(
            "results/figures/sensitivity.svg",
            caption="../report/sensitivity.rst",
            category="5 Recipes",
            labels={"content": "nodes", "shows": "what each of them costs"},
        ),
        more=expand("results/figures/sensitivity.{format}", format=MORE_FORMATS),
    log:
        "results/logs/plot_sensitivity.log",
    benchmark:
        "results/benchmarks/plot_sensitivity.tsv"
    conda:
        "../../envs/report.yaml"
    resources:
        mem_mb=get_small_memory,
    params:
        options=config["figures"],
        validation=VALIDATION,
        code=get_code("plot_sensitivity"),
    script:
        "../scripts/plot_sensitivity.py"


rule plot_mixed_precision:
    """Plot what nodes in float32 bring and cost."""
    input:
        curve="results/mixed_precision.csv",
    output:
        figure=report(
            "results/figures/mixed_precision.svg",
            caption="../report/mixed_precision.rst",
            category="5 Recipes",
            labels={
                "content": "nodes in float32",
                "shows": "accuracy, size and speed",
            },
        ),
        more=expand("results/figures/mixed_precision.{format}", format=MORE_FORMATS),
    log:
        "results/logs/plot_mixed_precision.log",
    benchmark:
        "results/benchmarks/plot_mixed_precision.tsv"
    conda:
        "../../envs/report.yaml"
    resources:
        mem_mb=get_small_memory,
    params:
        options=config["figures"],
        validation=VALIDATION,
        code=get_code("plot_mixed_precision"),
    script:
        "../scripts/plot_mixed_precision.py"


rule plot_sweep:
    """Plot agreement with float32 against speed, or size, of all recipes."""
    input:
        sweep="results/sweep.csv",
        device=get_speed_device,
        fp32="results/models/fp32.onnx" if config["recommend"]["device"] else [],
        models=(
            expand("results/sweep/models/{recipe}.onnx", recipe=SWEPT)
            if config["recommend"]["device"]
            else []
        ),
        predictions=expand("results/sweep/predictions/{recipe}.npz", recipe=SWEPT),
        baseline="results/sweep/predictions/fp32.npz",
    output:
        figure=report(
            "results/figures/sweep.svg",
            caption="../report/sweep_figure.rst",
            category="5 Recipes",
            labels={"content": "all recipes", "shows": "agreement against speed"},
        ),
        more=expand("results/figures/sweep.{format}", format=MORE_FORMATS),
    log:
        "results/logs/plot_sweep.log",
    benchmark:
        "results/benchmarks/plot_sweep.tsv"
    conda:
        "../../envs/report.yaml"
    resources:
        mem_mb=get_small_memory,
    params:
        recipes=SWEPT,
        constraints=CONSTRAINTS,
        schema=get_speed_schema,
        options=config["figures"],
        validation=VALIDATION,
        code=get_code("plot_sweep"),
    script:
        "../scripts/plot_sweep.py"
