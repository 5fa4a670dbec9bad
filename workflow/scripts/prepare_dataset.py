"""Read a data set and store it as memory-mappable arrays with a description."""

if __name__ == "__main__":
    import logging

    from ptq_comparison.common.job import job

    with job(snakemake) as task:
        from ptq_comparison.common.files import check_sha256, write_json
        from ptq_comparison.datasets.dataset import SPLITS, check_dataset, write_split
        from ptq_comparison.datasets.options import Options
        from ptq_comparison.datasets.readers import read_dataset
        from ptq_comparison.datasets.split_list import write_split_list

        name = task.params.name
        source = task.input.source or None
        if source and source.is_file() and task.params.sha256:
            check_sha256(source, task.params.sha256, key="dataset.sha256")

        dataset = read_dataset(name, source, Options(**task.params.options))
        check_dataset(dataset)
        if source and task.output.split:
            write_split_list(dataset, source, task.output.split)
        splits = {
            split: write_split(
                getattr(dataset, split),
                images_path=getattr(task.output, f"{split}_images"),
                labels_path=getattr(task.output, f"{split}_labels"),
            )
            for split in SPLITS
        }
        for split, stored in splits.items():
            logging.info("%s, %s split: %d images", name, split, stored["images"])
        write_json(
            task.output.dataset,
            {
                "name": name,
                "description": dataset.description,
                "class_names": list(dataset.class_names),
                "image_shape": list(dataset.test.images.shape[1:]),
                "splits": splits,
            },
        )
