"""Plot what each draw of calibration images gives."""

if __name__ == "__main__":
    from ptq_comparison.common.job import job

    with job(snakemake) as task:
        from ptq_comparison.report.figures.calibration_seeds import plot_calibration_seeds
        from ptq_comparison.report.figures.files import save
        from ptq_comparison.stability.results import read_draws

        draws = read_draws(task.input.configured, task.input.recommended)
        save(plot_calibration_seeds(draws), task.output.figure, task.params.options)
