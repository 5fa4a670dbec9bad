"""Draw the calibration images from the training split and write which ones they are."""

if __name__ == "__main__":
    import logging

    from ptq_comparison.common.job import job

    with job(snakemake) as task:
        from ptq_comparison.common.files import read_json
        from ptq_comparison.datasets.dataset import read_split
        from ptq_comparison.datasets.sampling import stratified_indices, write_samples

        images, labels = read_split(task.input.images, task.input.labels)
        indices = stratified_indices(
            labels,
            class_names=read_json(task.input.dataset)["class_names"],
            samples_per_class=task.params.samples_per_class,
            seed=task.params.seed,
        )
        write_samples(
            images[indices],
            labels[indices],
            indices,
            images_path=task.output.images,
            samples_path=task.output.samples,
        )
        logging.info(
            "%d images, %d a class, seed %d",
            len(indices),
            task.params.samples_per_class,
            task.params.seed,
        )
