"""Say which recipe to ship, why, and what it gives on the test images."""

if __name__ == "__main__":
    from ptq_comparison.common.job import job

    with job(snakemake) as task:
        from ptq_comparison.common.files import read_json, write_json, write_text
        from ptq_comparison.report.comparison import (
            comparison_table,
            headline_speeds,
            readable_table,
            sortable_table,
        )
        from ptq_comparison.report.page import to_page
        from ptq_comparison.report.recommendation import (
            TITLE,
            front_table,
            recommendation,
            to_markdown,
        )

        selection = read_json(task.input.selection)
        evaluation = read_json(task.input.evaluation)
        standard = [read_json(path) for path in task.input.evaluations]
        speeds = {}
        for path in task.input.latencies:
            speeds.update(headline_speeds(read_json(path)))
        content = recommendation(selection, standard[0], evaluation, speeds)
        table = comparison_table([*standard, evaluation], speeds)
        front = front_table(selection["pareto"])
        write_json(task.output.json, content)
        write_text(task.output.md, to_markdown(content, readable_table(table), front))
        tables = {
            "On the test images": sortable_table(table),
            "Not beaten by any other recipe, on the validation images": front,
        }
        page = to_page(
            TITLE,
            content["summary"],
            tables,
            list(filter(None, [content["reason"], content["warning"]])),
        )
        write_text(task.output.html, page)
        task.print(f"{content['summary']}\n{content['reason']}")
