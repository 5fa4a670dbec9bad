"""Put all recipes into one table, the best first: CSV and HTML."""

if __name__ == "__main__":
    from pathlib import Path

    from ptq_comparison.common.job import job

    with job(snakemake.log[0], snakemake.rule) as terminal:
        from ptq_comparison.common.files import read_json, write_text
        from ptq_comparison.report.page import to_page
        from ptq_comparison.report.sweep import describe_sweep, readable_sweep, sweep_table

        evaluations = [read_json(Path(path)) for path in snakemake.input.evaluations]
        times = {Path(path).stem: read_json(Path(path)) for path in snakemake.input.latencies}
        table = sweep_table(evaluations, [times[name] for name in snakemake.params.timed])
        write_text(Path(snakemake.output.csv), table.to_csv(index=False))
        lead, *notes = describe_sweep(table)
        page = to_page("Recipes on the validation images", lead, {"": readable_sweep(table)}, notes)
        write_text(Path(snakemake.output.html), page)
        print(lead, file=terminal)
