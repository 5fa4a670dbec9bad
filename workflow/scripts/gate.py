"""Fail when a requirement of the verification report does not hold, and name each that does not."""

if __name__ == "__main__":
    from ptq_comparison.common.job import job

    with job(snakemake) as task:
        from ptq_comparison.common.errors import UserError
        from ptq_comparison.common.files import read_json
        from ptq_comparison.verification.summary import failure_lines, summarize

        requirements = read_json(task.input.verification)
        failures = failure_lines(requirements)
        if failures:
            raise UserError(
                f"{len(failures)} of {len(requirements)} requirements do not hold: "
                f"{'; '.join(failures)}; change the quantization, or the acceptance section"
            )
        task.print(f"Gate: {summarize(requirements)}")
