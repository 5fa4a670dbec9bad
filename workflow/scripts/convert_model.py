"""Convert a Keras model to ONNX, and check that it gives the same answers."""

if __name__ == "__main__":
    import logging
    from pathlib import Path

    from ptq_comparison.job import job

    with job(snakemake.log[0], snakemake.rule):
        import numpy as np
        import onnx
        from ptq_comparison.conversion import OPSET, compare, convert, load_keras
        from ptq_comparison.files import atomic_path, check_sha256, sha256_file, write_json

        source = Path(snakemake.input.source)
        if snakemake.params.sha256:
            check_sha256(source, snakemake.params.sha256, key="model.sha256")
        keras_model = load_keras(source)
        model = convert(keras_model, snakemake.params.opset or OPSET)
        images = np.load(snakemake.input.images, mmap_mode="r")
        result = compare(keras_model, model, images, snakemake.params.preprocessing)
        with atomic_path(Path(snakemake.output.model)) as temporary:
            onnx.save(model, temporary)
        converted = Path(snakemake.output.model)
        result |= {
            "source": source.name,
            "source_sha256": sha256_file(source),
            "bytes": converted.stat().st_size,
        }
        write_json(Path(snakemake.output.conversion), result)
        logging.info("%s: %s", source.name, result)
