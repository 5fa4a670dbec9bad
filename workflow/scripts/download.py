"""Download the data set or the model and check its checksum."""

if __name__ == "__main__":
    from ptq_comparison.common.job import job

    with job(snakemake) as task:
        from ptq_comparison.common.download import download

        download(
            url=task.params.url,
            sha256=task.params.sha256,
            output=task.output.file,
            section=task.wildcards.section,
            key=task.params.key,
            terminal=task.terminal,
        )
