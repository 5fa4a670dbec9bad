"""Draw validation images from what calibration leaves of the training split."""

if __name__ == "__main__":
    import logging

    from ptq_comparison.common.job import job

    with job(snakemake) as task:
        from ptq_comparison.common.files import read_json
        from ptq_comparison.datasets.dataset import read_split
        from ptq_comparison.datasets.sampling import read_samples, validation_indices, write_samples

        images, labels = read_split(task.input.images, task.input.labels)
        indices = validation_indices(
            labels,
            calibration=read_samples(task.input.calibration)[:, 0],
            class_names=read_json(task.input.dataset)["class_names"],
            per_class=task.params.per_class,
            seed=task.params.seed,
        )
        write_samples(
            images[indices],
            labels[indices],
            indices,
            images_path=task.output.images,
            samples_path=task.output.samples,
        )
        logging.info("%d images, seed %d", len(indices), task.params.seed)
