"""Put the verification into a table that sorts and searches."""

if __name__ == "__main__":
    from pathlib import Path

    from ptq_comparison.job import job

    with job(snakemake.log[0], snakemake.rule):
        import pandas as pd
        from ptq_comparison.files import read_json, write_text
        from ptq_comparison.page import to_page
        from ptq_comparison.verification_report import summarize, table_rows

        requirements = read_json(Path(snakemake.input.verification))
        table = pd.DataFrame(table_rows(requirements)).rename(columns={"": "result"})
        page = to_page("Verification", summarize(requirements), {"": table})
        write_text(Path(snakemake.output.html), page)
