"""Show images that quantization breaks and fixes, with predictions and scores."""

if __name__ == "__main__":
    from ptq_comparison.common.job import job

    with job(snakemake) as task:
        import numpy as np
        from ptq_comparison.common.files import read_json
        from ptq_comparison.common.mapped import map_npz
        from ptq_comparison.report.figures.examples import Predictions, plot_examples
        from ptq_comparison.report.figures.style import save

        predictions = {}
        for name, path in zip(task.params.models, task.input.predictions, strict=True):
            arrays = map_npz(path)
            predictions[name] = Predictions(arrays["predicted"], arrays["scores"])
            labels = arrays["labels"]
        images = np.load(task.input.images, mmap_mode="r")
        class_names = read_json(task.input.dataset)["class_names"]
        save(plot_examples(images, labels, predictions, class_names), task.output.figure)
