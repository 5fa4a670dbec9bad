"""Check that the float32 model is a classifier that fits the data set, and copy it unchanged."""

if __name__ == "__main__":
    import logging
    import shutil
    from pathlib import Path

    from ptq_comparison.job import job

    with job(snakemake.log[0], snakemake.rule):
        from ptq_comparison.files import atomic_path, read_json
        from ptq_comparison.models import check_fits, load_model, read_interface

        source = Path(snakemake.input.source)
        dataset = read_json(Path(snakemake.input.dataset))
        interface = read_interface(load_model(source), snakemake.params.layout)
        check_fits(interface, tuple(dataset["image_shape"]), len(dataset["class_names"]))
        logging.info("%s: %s", source.name, interface)
        with atomic_path(Path(snakemake.output.model)) as temporary:
            shutil.copyfile(source, temporary)
