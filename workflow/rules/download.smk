# needs  the address and the SHA-256 of the config, dataset.url or model.source
# makes  results/downloads/<dataset or model>/<file>


rule download:
    """Download the data set or the model, unless the config names a file that is there."""
    output:
        file="results/downloads/{section}/{file}",
    log:
        "results/logs/download/{section}/{file}.log",
    benchmark:
        "results/benchmarks/download/{section}/{file}.tsv"
    wildcard_constraints:
        section="|".join(DOWNLOADS),
    conda:
        "../../envs/data.yaml"
    params:
        key=lambda wildcards: DOWNLOADS[wildcards.section],
        url=lambda wildcards: config[wildcards.section][DOWNLOADS[wildcards.section]],
        sha256=lambda wildcards: config[wildcards.section]["sha256"],
        code=get_code("download"),
    script:
        "../scripts/download.py"
