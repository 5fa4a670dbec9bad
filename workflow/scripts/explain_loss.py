"""Say why quantized models have lost more than the config allows, from measurements of nodes."""

if __name__ == "__main__":
    import logging

    from ptq_comparison.common.job import job

    with job(snakemake, memory_key="calibration.batch_size") as task:
        from ptq_comparison.common.faults import is_fault_of_machine
        from ptq_comparison.common.files import read_json, write_json, write_text
        from ptq_comparison.common.texts import plain_markdown

        params, limit = task.params, task.params.max_drop_pp
        evaluations = [read_json(path) for path in task.input.evaluations]
        # A sum of binary fractions may be off in the last digit.
        collapsed = [
            place
            for place, evaluation in enumerate(evaluations)
            if round(-evaluation["baseline"]["delta_pp"] - limit, 9) > 0
        ]
        diagnoses, texts = [], []
        if collapsed:  # most runs need none of the imports below
            import numpy as np
            from ptq_comparison.diagnosis.explain import explain, unexplained
            from ptq_comparison.diagnosis.reasons import lines
            from ptq_comparison.model.loading import load_model

            float_model = load_model(task.input.model)
            images = np.load(task.input.images, mmap_mode="r")
            for place in collapsed:
                try:
                    diagnosis = explain(
                        evaluations[place],
                        float_model,
                        load_model(task.input.models[place]),
                        images,
                        params.preprocessing,
                        params.recipes[place],
                        params.saturation_threshold,
                    )
                except Exception as error:  # the results are there, and worth more
                    if is_fault_of_machine(error):
                        raise
                    logging.exception("the nodes cannot be measured")
                    diagnosis = unexplained(evaluations[place])
                diagnoses.append(diagnosis)
            texts = lines(diagnoses, limit)
        write_json(task.output.json, {"models": diagnoses, "notes": texts})
        listed = "\n".join(f"- {plain_markdown(text)}" for text in texts)
        write_text(task.output.md, f"{listed}\n" if texts else "")
