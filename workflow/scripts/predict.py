"""Run a model on test or validation images, or a shard of them; where needed also exactly."""

if __name__ == "__main__":
    import logging

    from ptq_comparison.common.job import job

    with job(snakemake, memory_key="evaluation.batch_size") as task:
        import numpy as np
        from ptq_comparison.common.files import atomic_path, read_json, sha256_file, write_json
        from ptq_comparison.common.mapped import write_npz
        from ptq_comparison.config.schemes import REFERENCES
        from ptq_comparison.datasets.sampling import read_labels
        from ptq_comparison.datasets.stored import open_images
        from ptq_comparison.evaluation.saturation import predict_exactly
        from ptq_comparison.inference.batch_size import choose_batch_size
        from ptq_comparison.inference.batches import Batches
        from ptq_comparison.inference.digested_images import DigestedImages
        from ptq_comparison.inference.executed import executed
        from ptq_comparison.inference.runtime import describe_runtime
        from ptq_comparison.inference.session import (
            make_session,
            predict_scores,
            predicted_classes,
        )
        from ptq_comparison.inference.shards import share
        from ptq_comparison.model.loading import load_model

        name = task.wildcards[0]
        params = task.params
        model = load_model(task.input.model)
        dataset = read_json(task.input.dataset)
        images = open_images(task.input.images, task.threads)
        # By which verify knows a test image; the others see the same ones.
        digested = params.split == "test" and name == "fp32"
        if digested:
            images = DigestedImages(images)
        labels = read_labels(task.input.labels)
        classes = len(dataset["class_names"])
        # Dynamic quantization fits one grid to all images of a batch: alone, each has its own.
        alone = any(node.op_type == "DynamicQuantizeLinear" for node in model.graph.node)
        size = 1 if alone else choose_batch_size(model, images, params)
        batches = Batches.of(images, model, params.preprocessing, size)
        shard = task.wildcards.get("scatteritem", "1-of-1")
        batches, part = share(batches, *map(int, shard.split("-of-")))
        labels = labels[part]
        graph = executed(model)
        session = make_session(model, task.threads)
        told = {}
        if name in REFERENCES:  # where float16 overflows, the float32 model is not to blame
            from ptq_comparison.quantization.references import not_finite

            told = {"not_finite": not_finite(name)}
        with task.progress(f"predicting {name}", len(labels)) as progress:
            scores = predict_scores(session, batches, classes, progress, **told)
        arrays = {"predicted": predicted_classes(scores), "scores": scores}
        if digested:
            arrays["digests"] = images.digests[part]
        check = None
        if params.checks_saturation:
            with task.progress(f"checking {name}", len(labels)) as progress:
                check, exact = predict_exactly(model, batches, classes, task.threads, progress)
            if exact is not None:
                arrays["exact"] = exact
            logging.info("%s: saturation %s", name, check)
        with atomic_path(task.output.predictions) as temporary:
            write_npz(temporary, {**arrays, "labels": labels})
        write_json(
            task.output.provenance,
            {
                "model_sha256": sha256_file(task.input.model),
                "dataset_sha256": dataset["splits"]["test"]["sha256"]
                if params.split == "test"
                else sha256_file(task.input.images),
                "preprocessing": params.preprocessing,
                "runtime": describe_runtime(session.get_providers()),
                "executed": graph,
                "saturation": check,
            },
        )
        right = int(np.sum(arrays["predicted"] == labels))
        logging.info("%s: %d of %d images right", name, right, len(labels))
