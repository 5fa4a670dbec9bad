"""Put all recipes into one table, the best first: CSV and HTML."""

if __name__ == "__main__":
    from ptq_comparison.common.job import job

    with job(snakemake) as task:
        from ptq_comparison.common.files import read_json, write_text
        from ptq_comparison.report.page import to_page
        from ptq_comparison.report.sweep import describe_sweep, readable_sweep, sweep_table
        from ptq_comparison.report.verdict import headline_speeds

        evaluations = [read_json(path) for path in task.input.evaluations]
        speeds = {path.stem: headline_speeds(read_json(path)) for path in task.input.latencies}
        table = sweep_table(evaluations, [speeds[name][name] for name in task.params.timed])
        write_text(task.output.csv, table.to_csv(index=False))
        lead, *notes = describe_sweep(table)
        page = to_page("Recipes on the validation images", lead, {"": readable_sweep(table)}, notes)
        write_text(task.output.html, page)
        task.print(lead)
