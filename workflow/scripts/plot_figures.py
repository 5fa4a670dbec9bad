"""Plot accuracy, tradeoff, classes, confusion, examples and ranges."""

if __name__ == "__main__":
    from ptq_comparison.common.job import job

    with job(snakemake) as task:
        import numpy as np
        from ptq_comparison.common.files import read_json
        from ptq_comparison.report.figures.accuracy import plot_accuracy
        from ptq_comparison.report.figures.classes import plot_classes
        from ptq_comparison.report.figures.confusion import plot_confusion
        from ptq_comparison.report.figures.examples import Predictions, plot_examples
        from ptq_comparison.report.figures.ranges import plot_ranges
        from ptq_comparison.report.figures.style import save
        from ptq_comparison.report.figures.tradeoff import plot_tradeoff
        from ptq_comparison.report.verdict import headline_speeds

        evaluations = [read_json(path) for path in task.input.evaluations]
        latency = read_json(task.input.latency) if task.input.latency else None
        save(plot_accuracy(evaluations), task.output.accuracy)
        save(plot_tradeoff(evaluations, headline_speeds(latency)), task.output.tradeoff)
        save(plot_classes(evaluations), task.output.classes)
        save(plot_confusion(evaluations), task.output.confusion)

        predictions = {}
        for name, path in zip(task.params.models, task.input.predictions, strict=True):
            with np.load(path) as arrays:
                predictions[name] = Predictions(arrays["predicted"], arrays["scores"])
                labels = arrays["labels"]
        images = np.load(task.input.images, mmap_mode="r")
        class_names = read_json(task.input.dataset)["class_names"]
        save(plot_examples(images, labels, predictions, class_names), task.output.examples)

        save(plot_ranges(read_json(task.input.activations)), task.output.ranges)
