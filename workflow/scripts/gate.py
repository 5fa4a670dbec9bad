"""Fail when a requirement of the verification report does not hold, and name each that does not.

In GitHub Actions the summary of the step gets the comparison and what failed.
"""

if __name__ == "__main__":
    import os
    from pathlib import Path

    from ptq_comparison.common.job import job

    with job(snakemake) as task:
        from ptq_comparison.common.errors import UserError
        from ptq_comparison.common.files import read_json
        from ptq_comparison.verification.step_summary import append_summary, step_summary
        from ptq_comparison.verification.summary import count_kinds, gate_error, summarize

        requirements = read_json(task.input.verification)
        if task.input.comparison:
            summary = step_summary(task.input.comparison.read_text(), requirements)
            fault = append_summary(Path(os.environ["GITHUB_STEP_SUMMARY"]), summary)
            if fault:
                task.print(f"warning: gate: {fault}")
        error = gate_error(requirements)
        if error:
            raise UserError(error)
        task.print(f"Gate: {summarize(requirements)} ({count_kinds(requirements)})")
