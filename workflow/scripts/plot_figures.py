"""Plot accuracy, tradeoff, classes, confusion, examples and ranges."""

if __name__ == "__main__":
    from ptq_comparison.common.job import job

    with job(snakemake) as task:
        import numpy as np
        from ptq_comparison.common.files import read_json
        from ptq_comparison.datasets.stored import open_images
        from ptq_comparison.evaluation.stored_scores import StoredScores
        from ptq_comparison.report.figures.accuracy import plot_accuracy
        from ptq_comparison.report.figures.changes import find_changes
        from ptq_comparison.report.figures.classes import plot_classes
        from ptq_comparison.report.figures.confusion import plot_confusion
        from ptq_comparison.report.figures.examples import plot_examples, predictions_of
        from ptq_comparison.report.figures.files import save
        from ptq_comparison.report.figures.ranges import plot_ranges
        from ptq_comparison.report.figures.tradeoff import plot_tradeoff
        from ptq_comparison.report.references import candidates
        from ptq_comparison.report.verdict import headline_speeds

        evaluations = [read_json(path) for path in task.input.evaluations]
        latency = read_json(task.input.latency) if task.input.latency else None
        # References would take room from what quantization changes.
        compared = candidates(evaluations)
        predictions = {}
        for name, path in zip(task.params.models, task.input.predictions, strict=True):
            with np.load(path) as arrays:
                predicted, labels = arrays["predicted"], arrays["labels"]
            predictions[name] = predictions_of(predicted, StoredScores(path), labels)
        images = open_images(task.input.images)
        class_names = read_json(task.input.dataset)["class_names"]
        changes = find_changes({name: p.predicted for name, p in predictions.items()}, labels)

        figures = {
            "accuracy": plot_accuracy(evaluations),
            "tradeoff": plot_tradeoff(evaluations, headline_speeds(latency)),
            "classes": plot_classes(compared, changes),
            "confusion": plot_confusion(compared, changes),
            "examples": plot_examples(images, labels, predictions, class_names),
            "ranges": plot_ranges(read_json(task.input.activations)),
        }
        for name, figure in figures.items():
            save(figure, getattr(task.output, name), task.params.options)
