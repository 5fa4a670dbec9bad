"""Show images that quantization breaks and fixes, with predictions and scores."""

if __name__ == "__main__":
    from ptq_comparison.common.job import job

    with job(snakemake) as task:
        import numpy as np
        from ptq_comparison.common.files import read_json
        from ptq_comparison.datasets.stored import open_images
        from ptq_comparison.evaluation.stored_scores import StoredScores
        from ptq_comparison.report.figures.examples import plot_examples, predictions_of
        from ptq_comparison.report.figures.style import save

        predictions = {}
        for name, path in zip(task.params.models, task.input.predictions, strict=True):
            with np.load(path) as arrays:
                predicted, labels = arrays["predicted"], arrays["labels"]
            predictions[name] = predictions_of(predicted, StoredScores(path), labels)
        images = open_images(task.input.images)
        class_names = read_json(task.input.dataset)["class_names"]
        save(plot_examples(images, labels, predictions, class_names), task.output.figure)
