"""Put what all draws of calibration images give into a table: CSV, Markdown and HTML."""

if __name__ == "__main__":
    from ptq_comparison.common.job import job

    with job(snakemake) as task:
        from ptq_comparison.common.files import write_text
        from ptq_comparison.report.calibration_seeds import draws_table, spread_tables
        from ptq_comparison.report.columns import csv_text, markdown_table
        from ptq_comparison.report.draw_lines import describe_draws
        from ptq_comparison.report.page import to_page
        from ptq_comparison.stability.results import read_draws

        draws = read_draws(task.input.configured, task.input.recommended)
        write_text(task.output.csv, csv_text(draws_table(draws)))
        tables = spread_tables(draws)
        lead, *notes = describe_draws(draws)
        title = "Draws of calibration images"
        sections = [f"## {name}\n\n{markdown_table(table)}" for name, table in tables.items()]
        listed = "\n".join(f"- {note}" for note in notes)
        write_text(task.output.md, "\n\n".join([f"# {title}", lead, *sections, listed]) + "\n")
        write_text(task.output.html, to_page(title, lead, tables, notes))
        task.print(lead)
