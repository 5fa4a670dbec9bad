"""Compare models in ORT format with their ONNX twins on the test images, in a table."""

if __name__ == "__main__":
    from ptq_comparison.common.job import job

    with job(snakemake, reads_not_made=True, memory_key="evaluation.batch_size") as task:
        from ptq_comparison.common.csv_rows import write_rows
        from ptq_comparison.common.files import read_json, write_text
        from ptq_comparison.common.not_made import read_not_made
        from ptq_comparison.datasets.stored import open_images
        from ptq_comparison.device.ort_format import write_required_operators
        from ptq_comparison.device.ort_twins import compare_twins
        from ptq_comparison.inference.batch_size import choose_batch_size
        from ptq_comparison.inference.batches import Batches
        from ptq_comparison.model.loading import load_model
        from ptq_comparison.report.columns import markdown_table
        from ptq_comparison.report.ort_models import NOTES, describe_twins, readable_twins
        from ptq_comparison.report.page import to_page

        params = task.params
        images = open_images(task.input.images)
        classes = len(read_json(task.input.dataset)["class_names"])
        pairs = list(zip(task.input.models, task.input.twins, strict=True))
        rows = []
        with task.progress("comparing", 2 * len(images) * len(pairs)) as progress:
            for name, paths in zip(params.models, pairs, strict=True):
                model = load_model(paths[0])
                size = choose_batch_size(model, images, params)
                batches = Batches.of(images, model, params.preprocessing, size)
                rows.append(compare_twins(name, paths, batches, classes, task.threads, progress))
        made = [path for path in task.input.twins if read_not_made(path) is None]
        write_required_operators(made, task.output.operators)
        write_rows(task.output.csv, rows)
        title, lead, table = "Models in ORT format", describe_twins(rows), readable_twins(rows)
        notes = "\n".join(f"- {note}" for note in NOTES)
        text = "\n\n".join([f"# {title}", lead, markdown_table(table), notes])
        write_text(task.output.md, f"{text}\n")
        write_text(task.output.html, to_page(title, lead, {title: table}, NOTES))
        task.print(lead)
