"""Download the data set or the model and check its checksum."""

if __name__ == "__main__":
    from ptq_comparison.common.job import job

    with job(snakemake) as task:
        from ptq_comparison.common.download import download

        section, key = task.wildcards.section, task.params.key
        download(
            url=snakemake.config[section][key],
            sha256=task.params.sha256,
            output=task.output.file,
            section=section,
            key=key,
        )
