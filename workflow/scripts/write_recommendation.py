"""Say which recipe to ship, why, and what it gives on the test images."""

if __name__ == "__main__":
    from pathlib import Path

    from ptq_comparison.common.job import job

    with job(snakemake.log[0], snakemake.rule) as terminal:
        from ptq_comparison.common.files import read_json, write_json, write_text
        from ptq_comparison.report.recommendation import recommend

        recommendation = recommend(
            read_json(Path(snakemake.input.selection)),
            [read_json(Path(path)) for path in snakemake.input.evaluations],
            read_json(Path(snakemake.input.evaluation)),
            [read_json(Path(path)) for path in snakemake.input.latencies],
        )
        write_json(Path(snakemake.output.json), recommendation.content)
        write_text(Path(snakemake.output.md), recommendation.markdown)
        write_text(Path(snakemake.output.html), recommendation.html)
        content = recommendation.content
        print(f"{content['summary']}\n{content['reason']}", file=terminal)
