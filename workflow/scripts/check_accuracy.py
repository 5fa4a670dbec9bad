"""Check that the float32 model classifies the calibration images well above chance."""

if __name__ == "__main__":
    import logging

    from ptq_comparison.common.job import job

    with job(snakemake, memory_key="calibration.batch_size") as task:
        import numpy as np
        from ptq_comparison.common.files import read_json, write_json
        from ptq_comparison.datasets.sampling import read_labels
        from ptq_comparison.inference.batch_size import choose_batch_size
        from ptq_comparison.inference.batches import Batches
        from ptq_comparison.inference.session import make_session, predict_scores
        from ptq_comparison.model.loading import load_model
        from ptq_comparison.preparation.float_checks import check_accuracy, required_accuracy

        params = task.params
        model = load_model(task.input.model)
        images = np.load(task.input.images, mmap_mode="r")
        labels = read_labels(task.input.samples)
        classes = len(read_json(task.input.dataset)["class_names"])
        size = choose_batch_size(model, images, params)
        batches = Batches.of(images, model, params.preprocessing, size)
        session = make_session(model, task.threads)
        with task.progress("checking float32", len(images)) as progress:
            predicted = predict_scores(session, batches, classes, progress).argmax(axis=1)
        correct = int(np.sum(predicted == labels))
        required = required_accuracy(params.min_accuracy, labels)
        check_accuracy(correct, len(labels), required)
        logging.info("float32: %d of %d calibration images right", correct, len(labels))
        write_json(
            task.output.accuracy,
            {
                "correct": correct,
                "total": len(labels),
                "top1": correct / len(labels),
                "required_top1": required,
            },
        )
