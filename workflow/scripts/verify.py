"""Check what the config asks of the results, and write expected, measured and evidence."""

if __name__ == "__main__":
    from ptq_comparison.common.job import job

    with job(snakemake) as task:
        from ptq_comparison.common.files import read_json, write_json, write_text
        from ptq_comparison.datasets.sampling import describe_samples
        from ptq_comparison.verification.requirements import (
            verify_baseline,
            verify_calibration,
            verify_disjoint,
            verify_log,
            verify_model,
            verify_operators,
        )
        from ptq_comparison.verification.summary import Requirement, summarize, to_markdown

        acceptance = task.params.acceptance
        published_top1 = task.params.published_top1
        fp32 = task.input.fp32
        dataset = read_json(task.input.dataset)
        images = describe_samples(task.input.sample_list)["images"]
        requirements: list[Requirement] = []
        inputs = task.input
        files = zip(task.params.dtypes, inputs.evaluations, inputs.checks, inputs.logs, strict=True)
        for name, evaluation, check, log in files:
            test_images = dataset["splits"]["test"]["images"]
            requirements += verify_model(name, evaluation, fp32, test_images, acceptance)
            requirements.append(verify_operators(name, check))
            requirements.append(verify_log(name, log, task.params.method, images))
        requirements += verify_calibration(task.input.accuracy)
        if published_top1 is not None:
            tolerance = acceptance["baseline_tolerance_pp"]
            requirements.append(verify_baseline(fp32, published_top1, tolerance))
        requirements.append(verify_disjoint(task.input.samples, task.input.predictions))
        write_json(task.output.json, requirements)
        notes = read_json(task.input.diagnosis)["notes"]
        write_text(task.output.md, to_markdown(requirements, notes))
        task.print(f"Verification: {summarize(requirements)}")
