# needs  files that measure.py of the bundle has written on other machines, the bundle of this run,
#        and the evaluations
# makes  results/devices.csv, .md, .html and .json, figures/devices.svg


rule gather_devices:
    """Check what devices have brought back, and put it into one table."""
    input:
        devices=get_device_files,
        bundle="results/device/bundle.json",
        labels="results/device/labels.npy",
        expected="results/device/expected.npz",
        evaluations=expand("results/{model}_eval.json", model=CANDIDATES),
        predictions=expand("results/predictions/{model}.npz", model=CANDIDATES),
        latency=LATENCY_FILE,
    output:
        csv="results/devices.csv",
        md="results/devices.md",
        html=report(
            "results/devices.html",
            caption="../report/devices.rst",
            category="6 Devices",
            labels={"content": "all devices", "shows": "accuracy, changes and speed"},
        ),
        json="results/devices.json",
    log:
        "results/logs/gather_devices.log",
    benchmark:
        "results/benchmarks/gather_devices.tsv"
    conda:
        "../../envs/report.yaml"
    resources:
        mem_mb=get_small_memory,
    params:
        schema=get_device_schema,
        max_drop_pp=config["acceptance"]["max_drop_pp"],
        saturation_threshold=config["evaluation"]["saturation_threshold"],
        code=get_code("gather_devices"),
    script:
        "../scripts/gather_devices.py"


rule plot_devices:
    """Plot the speed of the models on each device, and where predictions change."""
    input:
        devices="results/devices.json",
        latency=LATENCY_FILE,
    output:
        figure=report(
            "results/figures/devices.svg",
            caption="../report/devices_figure.rst",
            category="6 Devices",
            labels={
                "content": "all devices",
                "shows": "speed, and changed predictions",
            },
        ),
        more=expand("results/figures/devices.{format}", format=MORE_FORMATS),
    log:
        "results/logs/plot_devices.log",
    benchmark:
        "results/benchmarks/plot_devices.tsv"
    conda:
        "../../envs/report.yaml"
    resources:
        mem_mb=get_small_memory,
    params:
        models=[*MODELS, RECOMMENDED],
        options=config["figures"],
        code=get_code("plot_devices"),
    script:
        "../scripts/plot_devices.py"
