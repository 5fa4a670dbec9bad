"""Measure how much of its stored grid the values of each activation tensor use."""

if __name__ == "__main__":
    from ptq_comparison.common.job import job

    with job(snakemake, memory_key="calibration.batch_size") as task:
        import numpy as np
        from ptq_comparison.common.files import write_json
        from ptq_comparison.inference.batch_size import choose_batch_size
        from ptq_comparison.inference.batches import Batches
        from ptq_comparison.model.loading import load_model
        from ptq_comparison.quantization.activation_grids import stored_grids
        from ptq_comparison.quantization.grid_use import measure_activations

        model = load_model(task.input.model)
        images = np.load(task.input.images, mmap_mode="r")
        size = choose_batch_size(model, images, task.params, fetches_all=True)
        batches = Batches.of(images, model, task.params.preprocessing, size)
        grids = stored_grids(load_model(task.input.quantized), model)
        with task.progress("activations", len(images)) as progress:
            activations = measure_activations(model, batches, grids, progress)
        write_json(task.output.activations, activations)
