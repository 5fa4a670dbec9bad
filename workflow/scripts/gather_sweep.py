"""Put all recipes into one table, the best first: CSV and HTML."""

if __name__ == "__main__":
    from ptq_comparison.common.job import job

    with job(snakemake, reads_not_made=True) as task:
        from ptq_comparison.common.files import write_text
        from ptq_comparison.report.columns import csv_text
        from ptq_comparison.report.page import to_page
        from ptq_comparison.report.sweep import (
            describe_sweep,
            gather_sweep,
            more_of_sweep,
            readable_sweep,
            reasons_not_made,
        )

        params = task.params
        table = gather_sweep(
            params.recipes, task.input.evaluations, params.timed, task.input.latencies
        )
        reasons = reasons_not_made(table)
        write_text(task.output.csv, csv_text(table))
        lead, *notes = describe_sweep(table, task.params.validation["note"])
        tables = {
            "All recipes": readable_sweep(table),
            "More about the recipes": more_of_sweep(table),
        }
        page = to_page("Recipes on the validation images", lead, tables, notes)
        write_text(task.output.html, page)
        task.print("\n".join([lead, *notes[: 1 + bool(reasons)]]))
