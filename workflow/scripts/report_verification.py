"""Put the verification into a table that sorts and searches."""

if __name__ == "__main__":
    from ptq_comparison.common.job import job

    with job(snakemake) as task:
        import pandas as pd
        from ptq_comparison.common.files import read_json, write_text
        from ptq_comparison.report.page import to_page
        from ptq_comparison.verification.summary import summarize, table_rows

        requirements = read_json(task.input.verification)
        table = pd.DataFrame(table_rows(requirements)).rename(columns={"": "result"})
        page = to_page("Verification", summarize(requirements), {"Requirements": table})
        write_text(task.output.html, page)
