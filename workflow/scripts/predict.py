"""Run a model on all test images, a quantized one also without saturation."""

if __name__ == "__main__":
    import logging
    from pathlib import Path

    from ptq_comparison.common.job import job

    with job(snakemake.log[0], snakemake.rule) as terminal:
        import numpy as np
        from ptq_comparison.common.files import atomic_path, read_json, sha256_file, write_json
        from ptq_comparison.common.progress import Progress
        from ptq_comparison.datasets.dataset import read_split
        from ptq_comparison.evaluation.saturation import check_saturation
        from ptq_comparison.inference.batches import Batches
        from ptq_comparison.inference.runtime import describe_runtime
        from ptq_comparison.inference.session import make_session, predict_scores
        from ptq_comparison.model.loading import load_model

        name = snakemake.wildcards.model
        model_path = Path(snakemake.input.model)
        model = load_model(model_path)
        dataset = read_json(Path(snakemake.input.dataset))
        images, labels = read_split(Path(snakemake.input.images), Path(snakemake.input.labels))
        batches = Batches.of(
            images, model, snakemake.params.preprocessing, snakemake.params.batch_size
        )
        session = make_session(model, snakemake.threads)
        classes = len(dataset["class_names"])
        with Progress(f"predicting {name}", len(images), terminal) as progress:
            scores = predict_scores(session, batches, classes, progress)
        predicted = scores.argmax(axis=1).astype(np.int64)
        saturation = None
        if name != "fp32":
            with Progress(f"checking {name}", len(images), terminal) as progress:
                saturation = check_saturation(
                    model, batches, predicted, labels, classes, snakemake.threads, progress
                )
            logging.info("%s: saturation %s", name, saturation)
        with atomic_path(Path(snakemake.output.predictions)) as temporary:
            np.savez(temporary, predicted=predicted, scores=scores, labels=labels)
        write_json(
            Path(snakemake.output.provenance),
            {
                "model_sha256": sha256_file(model_path),
                "dataset_sha256": dataset["splits"]["test"]["sha256"],
                "preprocessing": snakemake.params.preprocessing,
                "runtime": describe_runtime(session.get_providers()),
                "saturation": saturation,
            },
        )
        logging.info("%s: %d images, %d thread(s)", name, len(images), snakemake.threads)
