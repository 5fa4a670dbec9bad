"""Download the data set or the model and check its sum."""

if __name__ == "__main__":
    from pathlib import Path

    from ptq_comparison.common.job import job

    with job(snakemake.log[0], snakemake.rule) as terminal:
        from ptq_comparison.common.download import download

        download(
            url=snakemake.params.url,
            sha256=snakemake.params.sha256,
            output=Path(snakemake.output.file),
            section=snakemake.wildcards.section,
            key=snakemake.params.key,
            terminal=terminal,
        )
