"""Show images that quantization breaks and fixes, with answers and scores."""

if __name__ == "__main__":
    from ptq_comparison.common.job import job

    with job(snakemake) as task:
        import numpy as np
        from ptq_comparison.common.files import read_json
        from ptq_comparison.report.figures.examples import Answers, plot_examples
        from ptq_comparison.report.figures.style import save

        answers = {}
        for name, path in zip(task.params.models, task.input.predictions, strict=True):
            with np.load(path) as arrays:
                answers[name] = Answers(arrays["predicted"], arrays["scores"])
                labels = arrays["labels"]
        images = np.load(task.input.images, mmap_mode="r")
        class_names = read_json(task.input.dataset)["class_names"]
        save(plot_examples(images, labels, answers, class_names), task.output.figure)
