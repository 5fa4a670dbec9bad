"""Check what the config asks of the results, and write expected, measured and evidence."""

if __name__ == "__main__":
    from pathlib import Path

    from ptq_comparison.common.job import job

    with job(snakemake.log[0], snakemake.rule) as terminal:
        from ptq_comparison.common.files import read_json, write_json, write_text
        from ptq_comparison.verification.requirements import (
            verify_baseline,
            verify_calibration,
            verify_disjoint,
            verify_log,
            verify_model,
        )
        from ptq_comparison.verification.summary import summarize, to_markdown

        acceptance = snakemake.params.acceptance
        published_top1 = snakemake.params.published_top1
        fp32 = Path(snakemake.input.fp32)
        dataset = read_json(Path(snakemake.input.dataset))
        images = snakemake.params.samples_per_class * len(dataset["class_names"])
        requirements = []
        for name, evaluation in zip(
            snakemake.params.dtypes, snakemake.input.evaluations, strict=True
        ):
            # Beside the results, wherever a module that uses this workflow puts them.
            log = Path(evaluation).parent / "logs" / "quantize" / f"{name}.log"
            test_images = dataset["splits"]["test"]["images"]
            requirements += verify_model(name, Path(evaluation), fp32, test_images, acceptance)
            requirements.append(verify_log(name, log, snakemake.params.method, images))
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
