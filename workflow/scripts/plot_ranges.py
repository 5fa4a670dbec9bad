"""Plot the range of each activation tensor and the share of its grid in use."""

if __name__ == "__main__":
    from ptq_comparison.common.job import job

    with job(snakemake) as task:
        from ptq_comparison.common.files import read_json
        from ptq_comparison.report.figures.ranges import plot_ranges
        from ptq_comparison.report.figures.style import save

        activations = read_json(task.input.activations)
        save(plot_ranges(activations), task.output.figure)
