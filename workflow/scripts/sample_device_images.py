"""Draw the test images that a device is measured with."""

if __name__ == "__main__":
    import logging

    from ptq_comparison.common.job import job

    with job(snakemake) as task:
        import numpy as np
        from ptq_comparison.common.files import atomic_path
        from ptq_comparison.datasets.dataset import slices
        from ptq_comparison.datasets.npy import write_npy
        from ptq_comparison.datasets.sampling import stratified_indices
        from ptq_comparison.datasets.stored import open_images

        images = open_images(task.input.images, task.threads)
        labels = np.load(task.input.labels)
        asked = task.params.images
        total = len(labels) if asked == "all" else asked
        indices = stratified_indices(labels, total, task.params.seed)
        shape = (len(indices), *images.shape[1:])
        with atomic_path(task.output.images) as temporary:
            pieces = (images[indices[piece]] for piece in slices(shape))
            write_npy(temporary, np.uint8, shape, pieces)
        for path, array in (
            (task.output.labels, labels[indices]),
            (task.output.indices, indices),
        ):
            with atomic_path(path) as temporary:
                write_npy(temporary, np.int64, array.shape, [array])
        logging.info("%d of %d test images", len(indices), len(labels))
