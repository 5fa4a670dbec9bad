"""Rank the nodes by what they cost when they alone are quantized."""

if __name__ == "__main__":
    from ptq_comparison.common.job import job

    with job(snakemake) as task:
        from ptq_comparison.common.csv_rows import write_rows
        from ptq_comparison.common.files import read_json
        from ptq_comparison.search.results import is_made
        from ptq_comparison.search.sensitivity import order, rank

        rows = [row for path in task.input.shares for row in read_json(path)]
        write_rows(task.output.csv, order(rows))
        impossible = [r["node"] for r in rows if r["mode"] == "only" and not is_made(r)]
        if impossible:
            task.print(f"Nodes that cannot be quantized: {', '.join(impossible)}")
        worst = [node for node in rank(rows) if node not in impossible][:3]
        task.print(f"Nodes that quantization hurts most: {', '.join(worst)}")
