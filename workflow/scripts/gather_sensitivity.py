"""Rank the nodes by what they cost when they alone are quantized."""

if __name__ == "__main__":
    from pathlib import Path

    from ptq_comparison.common.job import job

    with job(snakemake.log[0], snakemake.rule) as terminal:
        from ptq_comparison.common.csv_rows import write_rows
        from ptq_comparison.common.files import read_json
        from ptq_comparison.search.sensitivity import order, rank

        rows = [row for path in snakemake.input.shares for row in read_json(Path(path))]
        write_rows(Path(snakemake.output.csv), order(rows))
        print(f"Nodes that quantization hurts most: {', '.join(rank(rows)[:3])}", file=terminal)
