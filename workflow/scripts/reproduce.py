"""Put the published figures beside the measured ones, and explain what differs."""

if __name__ == "__main__":
    from pathlib import Path

    from ptq_comparison.common.job import job

    with job(snakemake.log[0], snakemake.rule):
        from ptq_comparison.common.errors import UserError
        from ptq_comparison.common.files import read_json, write_text
        from ptq_comparison.report.reproduction import reproduction_page

        published = snakemake.params.published
        if published is None:
            raise UserError(
                "baseline.published: is not set, so there is nothing to compare with; see "
                "config/cifar10.yaml"
            )
        evaluations = [read_json(Path(path)) for path in snakemake.input.evaluations]
        write_text(Path(snakemake.output.md), reproduction_page(evaluations, published))
