"""Draw the calibration images from the training split and write which ones they are."""

if __name__ == "__main__":
    import logging
    from pathlib import Path

    from ptq_comparison.common.job import job

    with job(snakemake.log[0], snakemake.rule):
        from ptq_comparison.common.files import read_json
        from ptq_comparison.datasets.dataset import read_split
        from ptq_comparison.datasets.sampling import stratified_indices, write_samples

        images, labels = read_split(Path(snakemake.input.images), Path(snakemake.input.labels))
        indices = stratified_indices(
            labels,
            class_names=read_json(Path(snakemake.input.dataset))["class_names"],
            samples_per_class=snakemake.params.samples_per_class,
            seed=snakemake.params.seed,
        )
        write_samples(
            images[indices],
            labels[indices],
            indices,
            images_path=Path(snakemake.output.images),
            samples_path=Path(snakemake.output.samples),
        )
        logging.info(
            "%d images, %d a class, seed %d",
            len(indices),
            snakemake.params.samples_per_class,
            snakemake.params.seed,
        )
