"""Plot accuracy against throughput and size: what is won, and what it costs."""

if __name__ == "__main__":
    from ptq_comparison.common.job import job

    with job(snakemake) as task:
        from ptq_comparison.common.files import read_json
        from ptq_comparison.report.figures.style import save
        from ptq_comparison.report.figures.tradeoff import plot_tradeoff
        from ptq_comparison.report.verdict import headline_speeds

        evaluations = [read_json(path) for path in task.input.evaluations]
        latency = read_json(task.input.latency) if task.input.latency else None
        figure = plot_tradeoff(evaluations, headline_speeds(latency))
        save(figure, task.output.figure)
