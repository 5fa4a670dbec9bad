"""Draw calibration or validation images from the training split, and write which ones they are."""

if __name__ == "__main__":
    import logging

    from ptq_comparison.common.job import job

    with job(snakemake) as task:
        from ptq_comparison.common.files import read_json
        from ptq_comparison.datasets.dataset import read_split
        from ptq_comparison.datasets.sampling import read_samples, stratified_indices, write_samples

        params = task.params
        images, labels = read_split(task.input.images, task.input.labels)
        indices = stratified_indices(
            labels,
            read_json(task.input.dataset)["class_names"],
            params.per_class,
            params.seed,
            taken=read_samples(task.input.taken)[:, 0] if task.input.taken else None,
        )
        write_samples(
            images[indices],
            labels[indices],
            indices,
            images_path=task.output.images,
            samples_path=task.output.samples,
        )
        text = "%d images, at most %d a class, seed %d"
        logging.info(text, len(indices), params.per_class, params.seed)
