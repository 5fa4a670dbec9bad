"""Check that the float32 model classifies the calibration images well above chance.

Before that, that no other order of the classes, and no usual preprocessing, does clearly better.
"""

if __name__ == "__main__":
    import logging
    from typing import Any

    from ptq_comparison.common.job import job

    with job(snakemake, memory_key="calibration.batch_size") as task:
        import numpy as np
        from ptq_comparison.common.errors import UserError
        from ptq_comparison.common.files import read_json, write_json
        from ptq_comparison.datasets.sampling import read_labels
        from ptq_comparison.inference.batch_size import choose_batch_size
        from ptq_comparison.inference.batches import Batches
        from ptq_comparison.inference.session import make_session, predict_scores
        from ptq_comparison.model.loading import load_model
        from ptq_comparison.preparation.float_checks import (
            NOT_CHECKED,
            check_accuracy,
            required_accuracy,
        )
        from ptq_comparison.preparation.suspicious_input import find_suspicious

        params = task.params
        images = np.load(task.input.images, mmap_mode="r")
        labels = read_labels(task.input.samples)
        if labels.max() < 0:
            logging.warning("%s", NOT_CHECKED)
            task.print(f"float32: {NOT_CHECKED}")
            write_json(task.output.accuracy, {"checked": False})
        else:
            model = load_model(task.input.model)
            names = read_json(task.input.dataset)["class_names"]
            size = choose_batch_size(model, images, params)
            session = make_session(model, task.threads)

            def predict(few: np.ndarray, preprocessing: dict[str, Any]) -> np.ndarray:
                batches = Batches.of(few, model, preprocessing, size)
                scores = predict_scores(session, batches, len(names), progress)
                return np.asarray(scores.argmax(axis=1))

            with task.progress("checking float32", len(images)) as progress:
                predicted = predict(images, params.preprocessing)
                correct = int(np.sum(predicted == labels))
                logging.info("float32: %d of %d calibration images right", correct, len(labels))
                suspicious = find_suspicious(
                    images, labels, predicted, names, params.preprocessing, predict
                )
            if suspicious:
                if params.suspicious_input == "stop":
                    raise UserError(f"{suspicious} (or acceptance.suspicious_input to warn)")
                logging.warning("%s", suspicious)
                task.print(f"float32: {suspicious}")
            required = required_accuracy(params.min_accuracy, labels)
            check_accuracy(correct, len(labels), required)
            write_json(
                task.output.accuracy,
                {
                    "checked": True,
                    "correct": correct,
                    "total": len(labels),
                    "top1": correct / len(labels),
                    "required_top1": required,
                    "suspicious": suspicious,
                },
            )
