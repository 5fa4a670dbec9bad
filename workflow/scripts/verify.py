"""Check what the config asks of the results, and write expected, measured and evidence."""

if __name__ == "__main__":
    from ptq_comparison.common.job import job

    with job(snakemake) as task:
        from pathlib import Path

        from ptq_comparison.common.files import atomic_path, read_json, write_json, write_text
        from ptq_comparison.datasets.sampling import describe_samples
        from ptq_comparison.verification.earlier import verify_earlier
        from ptq_comparison.verification.junit import to_junit
        from ptq_comparison.verification.limits import (
            not_asked,
            verify_baseline,
            verify_limits,
            verify_speed,
        )
        from ptq_comparison.verification.requirements import (
            verify_calibration,
            verify_disjoint,
            verify_log,
            verify_model,
            verify_operators,
        )
        from ptq_comparison.verification.rows import Requirement
        from ptq_comparison.verification.summary import summarize, to_markdown

        acceptance = task.params.acceptance
        published_top1 = task.params.published_top1
        fp32 = task.input.fp32
        dataset = read_json(task.input.dataset)
        images = describe_samples(task.input.sample_list)["images"]
        requirements: list[Requirement] = []
        inputs, names = task.input, task.params.dtypes
        for name, evaluation, check, log in zip(
            names, inputs.evaluations, inputs.checks, inputs.logs, strict=True
        ):
            test_images = dataset["splits"]["test"]["images"]
            requirements += verify_model(name, evaluation, test_images)
            requirements += verify_limits(name, evaluation, fp32, acceptance)
            if acceptance["min_speedup"] is not None:
                requirements.append(verify_speed(name, inputs.latency, acceptance))
            requirements.append(verify_operators(name, check))
            requirements.append(verify_log(name, log, task.params.method, images))
        if acceptance["compare_to"] is not None:
            folder = Path(acceptance["compare_to"])
            evaluations = [fp32, *inputs.evaluations]
            for name, evaluation, predictions in zip(
                ["fp32", *names], evaluations, inputs.all_predictions, strict=True
            ):
                requirements.append(verify_earlier(name, evaluation, predictions, folder))
        asks_accuracy = acceptance["min_calibration_accuracy"] is not None
        requirements += verify_calibration(inputs.accuracy, asks_accuracy)
        if published_top1 is not None:
            tolerance = acceptance["baseline_tolerance_pp"]
            requirements.append(verify_baseline(fp32, published_top1, tolerance))
        requirements.append(verify_disjoint(inputs.samples, inputs.predictions))
        write_json(task.output.json, requirements)
        notes = read_json(inputs.diagnosis)["notes"]
        write_text(task.output.md, to_markdown(requirements, notes))
        xml = to_junit(requirements, not_asked(names, acceptance, published_top1))
        with atomic_path(task.output.xml) as temporary:
            xml.write(str(temporary), pretty=True)
        task.print(f"Verification: {summarize(requirements)}")
