"""Rank the nodes by what they cost when they alone are quantized."""

if __name__ == "__main__":
    from ptq_comparison.common.job import job

    with job(snakemake) as task:
        from ptq_comparison.common.csv_rows import write_rows
        from ptq_comparison.common.files import read_json
        from ptq_comparison.search.sensitivity import order, rank

        rows = [row for path in task.input.shares for row in read_json(path)]
        write_rows(task.output.csv, order(rows))
        task.print(f"Nodes that quantization hurts most: {', '.join(rank(rows)[:3])}")
