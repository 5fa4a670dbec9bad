"""Write a model in ORT format."""

if __name__ == "__main__":
    from ptq_comparison.common.job import job

    with job(snakemake) as task:
        from ptq_comparison.device.ort_format import convert_to_ort

        convert_to_ort(task.input.model, task.output.model)
