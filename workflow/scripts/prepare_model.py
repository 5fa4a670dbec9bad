"""Check that the float32 model is sound and fits the data set, and copy it unchanged.

Only when model.opset asks for another opset is it converted, and weights in files beside it are
taken into the one file that all other jobs read.
"""

if __name__ == "__main__":
    import logging
    import shutil
    from pathlib import Path

    from ptq_comparison.job import job

    with job(snakemake.log[0], snakemake.rule) as terminal:
        import onnx
        from ptq_comparison.files import atomic_path, check_sha256, read_json
        from ptq_comparison.float_checks import check_float_model, convert_opset
        from ptq_comparison.models import (
            check_fits,
            has_external_weights,
            load_model,
            model_opset,
            read_interface,
        )

        source = Path(snakemake.input.source)
        if snakemake.params.sha256:
            check_sha256(source, snakemake.params.sha256, key="model.sha256")
        dataset = read_json(Path(snakemake.input.dataset))
        model = load_model(source)
        opset = snakemake.params.opset
        convert = opset is not None and opset != model_opset(model)
        if convert:
            logging.warning("%s: converted from opset %d to %d", source, model_opset(model), opset)
            print(
                f"{source}: converted from opset {model_opset(model)} to {opset}, as model.opset "
                "asks; the baseline is the converted model",
                file=terminal,
            )
            model = convert_opset(model, opset)
        check_float_model(model, *snakemake.params.required_opset)
        interface = read_interface(model, snakemake.params.layout)
        check_fits(interface, tuple(dataset["image_shape"]), len(dataset["class_names"]))
        logging.info("%s: %s", source.name, interface)
        with atomic_path(Path(snakemake.output.model)) as temporary:
            if convert or has_external_weights(source):
                onnx.save(model, temporary)
            else:
                shutil.copyfile(source, temporary)
