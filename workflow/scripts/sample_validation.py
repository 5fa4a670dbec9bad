"""Draw validation images from what calibration leaves of the training split."""

if __name__ == "__main__":
    import logging
    from pathlib import Path

    from ptq_comparison.common.job import job

    with job(snakemake.log[0], snakemake.rule):
        from ptq_comparison.common.files import read_json
        from ptq_comparison.datasets.dataset import read_split
        from ptq_comparison.datasets.sampling import read_samples, validation_indices, write_samples

        images, labels = read_split(Path(snakemake.input.images), Path(snakemake.input.labels))
        indices = validation_indices(
            labels,
            calibration=read_samples(Path(snakemake.input.calibration))[:, 0],
            class_names=read_json(Path(snakemake.input.dataset))["class_names"],
            per_class=snakemake.params.per_class,
            seed=snakemake.params.seed,
        )
        write_samples(
            images[indices],
            labels[indices],
            indices,
            images_path=Path(snakemake.output.images),
            samples_path=Path(snakemake.output.samples),
        )
        logging.info("%d images, seed %d", len(indices), snakemake.params.seed)
