"""Draw calibration or validation images from a split, and write which ones they are."""

if __name__ == "__main__":
    import logging

    from ptq_comparison.common.job import job

    with job(snakemake) as task:
        import numpy as np
        from ptq_comparison.common.files import read_json
        from ptq_comparison.datasets.dataset import Split
        from ptq_comparison.datasets.sampling import (
            calibration_indices,
            read_samples,
            validation_indices,
            write_samples,
        )
        from ptq_comparison.datasets.stored import open_images

        params = task.params
        labels = np.load(task.input.labels)
        split = Split(open_images(task.input.images, task.threads), labels)
        if params.purpose == "validation":
            # A split of its own has no images that calibrate.
            taken = read_samples(task.input.taken)[:, 0] if task.input.taken else labels[:0]
            indices = validation_indices(labels, taken, params.per_class, params.total, params.seed)
        else:
            names = read_json(task.input.dataset)["class_names"]
            indices = calibration_indices(
                labels, names, params.per_class, params.total, params.seed
            )
        write_samples(split, indices, task.output.images, task.output.samples)
        counts = np.unique(labels[indices], return_counts=True)[1]
        text = "%d images of %d classes, %d to %d a class, seed %d"
        logging.info(text, len(indices), len(counts), counts.min(), counts.max(), params.seed)
