"""Put the published results beside the measured ones, and explain what differs."""

if __name__ == "__main__":
    from ptq_comparison.common.job import job

    with job(snakemake) as task:
        from ptq_comparison.common.errors import UserError
        from ptq_comparison.common.files import read_json, write_text
        from ptq_comparison.report.reproduction import reproduction_page
        from ptq_comparison.stability.results import read_draws

        published = task.params.published
        if published is None:
            raise UserError(
                "baseline.published: is not set, so there is nothing to compare with; see "
                "config/cifar10.yaml"
            )
        evaluations = [read_json(path) for path in task.input.evaluations]
        draws = read_draws(task.input.draws)
        write_text(task.output.md, reproduction_page(evaluations, published, draws))
