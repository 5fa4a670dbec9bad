# needs  dataset.url and dataset.sha256 of the config
# makes  results/downloads/<archive>


rule download_dataset:
    """Download the archive of the data set, unless dataset.path names one."""
    output:
        archive="results/downloads/{archive}",
    log:
        "results/logs/download_dataset/{archive}.log",
    benchmark:
        "results/benchmarks/download_dataset/{archive}.tsv"
    conda:
        "../../envs/data.yaml"
    params:
        url=config["dataset"]["url"],
        sha256=config["dataset"]["sha256"],
        code=get_code("download_dataset"),
    script:
        "../scripts/download_dataset.py"
