"""Find an onnxruntime that has an execution provider, here or in an environment of its own."""

if __name__ == "__main__":
    import logging

    from ptq_comparison.common.job import job

    with job(snakemake) as task:
        from ptq_comparison.common.files import write_json
        from ptq_comparison.device.provider_search import find_provider

        found = find_provider(task.params.name, task.params.pythons)
        logging.info("%s", found)
        write_json(task.output.found, found)
