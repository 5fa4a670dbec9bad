"""Check what the config asks of the results, and write expected, measured and evidence."""

if __name__ == "__main__":
    from pathlib import Path

    from ptq_comparison.common.job import job

    with job(snakemake.log[0], snakemake.rule) as terminal:
        from ptq_comparison.common.files import write_json, write_text
        from ptq_comparison.verification.requirements import (
            verify_baseline,
            verify_calibration,
            verify_disjoint,
            verify_quantized,
        )
        from ptq_comparison.verification.summary import summarize, to_markdown

        acceptance = snakemake.params.acceptance
        published_top1 = snakemake.params.published_top1
        fp32 = Path(snakemake.input.fp32)
        dtypes, paths = snakemake.params.dtypes, map(Path, snakemake.input.evaluations)
        evaluations = dict(zip(dtypes, paths, strict=True))
        # Beside the results, wherever a module that uses this workflow puts them.
        logs = {
            name: path.parent / "logs" / "quantize" / f"{name}.log"
            for name, path in evaluations.items()
        }
        requirements = verify_quantized(
            evaluations,
            logs,
            fp32,
            Path(snakemake.input.dataset),
            acceptance,
            snakemake.params.method,
            snakemake.params.samples_per_class,
        )
        requirements.append(verify_calibration(Path(snakemake.input.accuracy)))
        if published_top1 is not None:
            tolerance = acceptance["baseline_tolerance_pp"]
            requirements.append(verify_baseline(fp32, published_top1, tolerance))
        requirements.append(
            verify_disjoint(Path(snakemake.input.samples), Path(snakemake.input.test_images))
        )
        write_json(Path(snakemake.output.json), requirements)
        write_text(Path(snakemake.output.md), to_markdown(requirements))
        print(f"Verification: {summarize(requirements)}", file=terminal)
