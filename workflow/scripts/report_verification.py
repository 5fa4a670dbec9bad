"""Put the verification into tables that sort and search: your requirements, and self checks."""

if __name__ == "__main__":
    from ptq_comparison.common.job import job

    with job(snakemake) as task:
        import pandas as pd
        from ptq_comparison.common.files import read_json, write_text
        from ptq_comparison.report.page import to_page
        from ptq_comparison.verification.summary import summarize, tables_by_kind

        requirements = read_json(task.input.verification)
        tables = {
            heading: pd.DataFrame(rows).rename(columns={"": "result"})
            for heading, rows in tables_by_kind(requirements).items()
        }
        page = to_page("Verification", summarize(requirements), tables)
        write_text(task.output.html, page)
