"""Run the float32 model on the validation images."""

if __name__ == "__main__":
    import logging
    from pathlib import Path

    from ptq_comparison.common.job import job

    with job(snakemake.log[0], snakemake.rule) as terminal:
        import numpy as np
        from ptq_comparison.common.files import atomic_path, read_json
        from ptq_comparison.common.progress import Progress
        from ptq_comparison.datasets.sampling import read_samples
        from ptq_comparison.inference.batches import Batches
        from ptq_comparison.inference.session import make_session, predict_scores
        from ptq_comparison.model.loading import load_model

        model = load_model(Path(snakemake.input.model))
        images = np.load(snakemake.input.images, mmap_mode="r")
        labels = read_samples(Path(snakemake.input.samples))[:, 1]
        batches = Batches.of(
            images, model, snakemake.params.preprocessing, snakemake.params.batch_size
        )
        classes = len(read_json(Path(snakemake.input.dataset))["class_names"])
        with Progress("validating fp32", len(images), terminal) as progress:
            session = make_session(model, snakemake.threads)
            scores = predict_scores(session, batches, classes, progress)
        predicted = scores.argmax(axis=1).astype(np.int64)
        with atomic_path(Path(snakemake.output.predictions)) as temporary:
            np.savez(temporary, predicted=predicted, scores=scores, labels=labels)
        right = int(np.sum(predicted == labels))
        logging.info("float32: %d of %d validation images right", right, len(labels))
