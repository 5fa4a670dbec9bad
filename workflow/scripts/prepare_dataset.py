"""Read a data set and store it as memory-mappable arrays with a description."""

if __name__ == "__main__":
    import logging

    from ptq_comparison.common.job import job

    with job(snakemake) as task:
        from ptq_comparison.common.files import check_sha256, write_json
        from ptq_comparison.config.presets import needs_input_size, with_sizes
        from ptq_comparison.datasets.apart import check_validation_apart
        from ptq_comparison.datasets.dataset import check_dataset
        from ptq_comparison.datasets.options import Options
        from ptq_comparison.datasets.readers import read_dataset
        from ptq_comparison.datasets.split_list import write_split_list
        from ptq_comparison.datasets.stored import store_split

        params = task.params
        source = task.input.source or None
        if source and source.is_file() and params.sha256:
            check_sha256(source, params.sha256, key="dataset.sha256")

        geometry = params.geometry
        if geometry:
            size = None
            if needs_input_size(geometry):
                from ptq_comparison.model.input_size import read_input_size

                size = read_input_size(task.input.model, params.layout)
            geometry = with_sizes(geometry, size)
            logging.info("geometry: %s", geometry)
        options = Options(**params.options, geometry=geometry)
        dataset = read_dataset(params.name, source, options)
        check_dataset(dataset)
        if source and task.output.split:
            write_split_list(dataset, source, task.output.split)
        if geometry:
            # With the channels that were found.
            geometry = getattr(dataset.train.images, "geometry", geometry)
        paths = {split: getattr(task.output, f"{split}_images") for split in dataset.splits()}
        splits = {
            split: store_split(
                images,
                split,
                # Where arrays are decoded, so are files beside them: nothing says their geometry.
                params.store if dataset.references else "decoded",
                task.threads,
                images_path=paths[split],
                labels_path=getattr(task.output, f"{split}_labels"),
            )
            for split, images in dataset.splits().items()
        }
        check_validation_apart(dataset, paths)
        for split, stored in splits.items():
            text = "%s, %s split: %d images, stored: %s"
            logging.info(text, params.name, split, stored["images"], stored["stored"])
        write_json(
            task.output.dataset,
            {
                "name": params.name,
                "description": dataset.description,
                "class_names": list(dataset.class_names),
                "image_shape": list(dataset.test.images.shape[1:]),
                "geometry": geometry,
                "splits": splits,
            },
        )
