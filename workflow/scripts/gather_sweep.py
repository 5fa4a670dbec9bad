"""Put all recipes into one table, the best first: CSV and HTML."""

if __name__ == "__main__":
    from ptq_comparison.common.job import job

    with job(snakemake, reads_not_made=True) as task:
        from ptq_comparison.common.files import read_json, write_text
        from ptq_comparison.common.not_made import read_not_made
        from ptq_comparison.report.columns import csv_text
        from ptq_comparison.report.page import to_page
        from ptq_comparison.report.sweep import (
            describe_sweep,
            more_of_sweep,
            readable_sweep,
            sweep_table,
        )
        from ptq_comparison.report.verdict import headline_speeds

        recipes, timed = task.params.recipes, task.params.timed
        evaluations, reasons = {}, {}
        for name, path in zip(recipes, task.input.evaluations, strict=True):
            reason = read_not_made(path)
            if reason is None:
                evaluations[name] = read_json(path)
            else:
                reasons[name] = reason
        speeds = {
            path.stem: headline_speeds(read_json(path))[path.stem]
            for path in task.input.latencies
            if read_not_made(path) is None
        }
        twins = dict(zip(recipes, timed, strict=True)) if timed else {}
        latencies = [speeds.get(twins[name]) for name in evaluations] if timed else []
        table = sweep_table(list(evaluations.values()), latencies, reasons)
        write_text(task.output.csv, csv_text(table))
        lead, *notes = describe_sweep(table, task.params.validation["note"])
        tables = {
            "All recipes": readable_sweep(table),
            "More about the recipes": more_of_sweep(table),
        }
        page = to_page("Recipes on the validation images", lead, tables, notes)
        write_text(task.output.html, page)
        task.print("\n".join([lead, *notes[: 1 + bool(reasons)]]))
