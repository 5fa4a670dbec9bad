"""Compare a recipe with float32 on the validation images."""

if __name__ == "__main__":
    import logging
    from pathlib import Path

    from ptq_comparison.common.job import job

    with job(snakemake.log[0], snakemake.rule) as terminal:
        import numpy as np
        from ptq_comparison.common.files import atomic_path, write_json
        from ptq_comparison.common.progress import Progress
        from ptq_comparison.evaluation.evaluate import evaluate_recipe
        from ptq_comparison.inference.batches import Batches
        from ptq_comparison.inference.runtime import describe_runtime
        from ptq_comparison.inference.session import make_session, predict_scores
        from ptq_comparison.model.loading import describe_model, load_model
        from ptq_comparison.model.metadata import read_metadata

        name = snakemake.wildcards.recipe
        path = Path(snakemake.input.model)
        model = load_model(path)
        images = np.load(snakemake.input.images, mmap_mode="r")
        with np.load(snakemake.input.baseline) as arrays:
            fp32_scores, labels = arrays["scores"], arrays["labels"]
        batches = Batches.of(
            images, model, snakemake.params.preprocessing, snakemake.params.batch_size
        )
        session = make_session(model, snakemake.threads)
        with Progress(f"validating {name}", len(images), terminal) as progress:
            scores = predict_scores(session, batches, fp32_scores.shape[1], progress)
        predicted = scores.argmax(axis=1).astype(np.int64)
        with atomic_path(Path(snakemake.output.predictions)) as temporary:
            np.savez(temporary, predicted=predicted)
        validation = evaluate_recipe(scores, fp32_scores, labels)
        logging.info("%s: %s", name, validation)
        write_json(
            Path(snakemake.output.evaluation),
            {
                "recipe": name,
                "model": describe_model(path, name),
                "validation": validation,
                "provenance": read_metadata(model),
                "runtime": describe_runtime(session.get_providers()),
            },
        )
