"""Say which recipe to ship, why, and what it gives on the test images."""

if __name__ == "__main__":
    from ptq_comparison.common.job import job

    with job(snakemake) as task:
        from ptq_comparison.common.files import read_json, write_json, write_text
        from ptq_comparison.report.recommendation import recommend

        recommendation = recommend(
            read_json(task.input.selection),
            [read_json(path) for path in task.input.evaluations],
            read_json(task.input.evaluation),
            [read_json(path) for path in task.input.latencies],
        )
        write_json(task.output.json, recommendation.content)
        write_text(task.output.md, recommendation.markdown)
        write_text(task.output.html, recommendation.html)
        content = recommendation.content
        task.print(f"{content['summary']}\n{content['reason']}")
