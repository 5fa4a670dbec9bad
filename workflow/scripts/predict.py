"""Run a model on test or validation images, on demand also without saturation."""

if __name__ == "__main__":
    import logging

    from ptq_comparison.common.job import job

    with job(snakemake, memory_key="evaluation.batch_size") as task:
        import numpy as np
        from ptq_comparison.common.files import atomic_path, read_json, sha256_file, write_json
        from ptq_comparison.common.mapped import write_npz
        from ptq_comparison.datasets.sampling import read_labels
        from ptq_comparison.evaluation.saturation import check_saturation
        from ptq_comparison.inference.batch_size import choose_batch_size
        from ptq_comparison.inference.batches import Batches
        from ptq_comparison.inference.runtime import describe_runtime
        from ptq_comparison.inference.session import (
            make_session,
            predict_scores,
            predicted_classes,
        )
        from ptq_comparison.model.loading import load_model

        (name,) = task.wildcards
        params = task.params
        model = load_model(task.input.model)
        dataset = read_json(task.input.dataset)
        images = np.load(task.input.images, mmap_mode="r")
        labels = read_labels(task.input.labels)
        classes = len(dataset["class_names"])
        size = choose_batch_size(model, images, params)
        batches = Batches.of(images, model, params.preprocessing, size)
        session = make_session(model, task.threads)
        with task.progress(f"predicting {name}", len(images)) as progress:
            scores = predict_scores(session, batches, classes, progress)
        predicted = predicted_classes(scores)
        saturation = None
        if params.checks_saturation:
            with task.progress(f"checking {name}", len(images)) as progress:
                saturation = check_saturation(
                    model, batches, predicted, labels, classes, task.threads, progress
                )
            logging.info("%s: saturation %s", name, saturation)
        with atomic_path(task.output.predictions) as temporary:
            write_npz(temporary, {"predicted": predicted, "scores": scores, "labels": labels})
        write_json(
            task.output.provenance,
            {
                "model_sha256": sha256_file(task.input.model),
                "dataset_sha256": dataset["splits"]["test"]["sha256"]
                if params.split == "test"
                else sha256_file(task.input.images),
                "preprocessing": params.preprocessing,
                "runtime": describe_runtime(session.get_providers()),
                "saturation": saturation,
            },
        )
        right = int(np.sum(predicted == labels))
        logging.info("%s: %d of %d images right", name, right, len(labels))
