"""Measure the range of every activation tensor, if the float32 model knows its images."""

if __name__ == "__main__":
    import logging
    from pathlib import Path

    from ptq_comparison.common.job import job

    with job(snakemake.log[0], snakemake.rule) as terminal:
        import numpy as np
        from ptq_comparison.calibration.calibrate import calibrate, write_ranges
        from ptq_comparison.calibration.provenance import calibration_provenance
        from ptq_comparison.common.files import read_json, write_json
        from ptq_comparison.common.progress import Progress
        from ptq_comparison.config.methods import METHODS
        from ptq_comparison.datasets.sampling import read_samples
        from ptq_comparison.inference.batches import Batches
        from ptq_comparison.inference.session import make_session, predict_scores
        from ptq_comparison.model.loading import load_model
        from ptq_comparison.preparation.float_checks import check_accuracy, required_accuracy

        model_path = Path(snakemake.input.model)
        model = load_model(model_path)
        images = np.load(snakemake.input.images, mmap_mode="r")
        labels = read_samples(Path(snakemake.input.samples))[:, 1]
        classes = len(read_json(Path(snakemake.input.dataset))["class_names"])
        batches = Batches.of(
            images, model, snakemake.params.preprocessing, snakemake.params.batch_size
        )
        session = make_session(model, snakemake.threads)
        with Progress("checking float32", len(images), terminal) as progress:
            predicted = predict_scores(session, batches, classes, progress).argmax(axis=1)
        correct = int(np.sum(predicted == labels))
        required = required_accuracy(snakemake.params.min_accuracy, labels)
        check_accuracy(correct, len(labels), required)
        logging.info("float32: %d of %d calibration images right", correct, len(labels))

        method, options = snakemake.params.method, snakemake.params.options
        with Progress("calibrating", METHODS[method].passes * len(images), terminal) as progress:
            ranges = calibrate(model, batches, method, options, progress)
        logging.info("%s: ranges of %d tensors, %d images", method, len(ranges.data), len(images))
        provenance = calibration_provenance(
            model_path,
            Path(snakemake.input.images),
            snakemake.params.preprocessing,
            method,
            options,
        )
        write_ranges(Path(snakemake.output.ranges), ranges, provenance)
        write_json(
            Path(snakemake.output.accuracy),
            {
                "correct": correct,
                "total": len(labels),
                "top1": correct / len(labels),
                "required_top1": required,
            },
        )
