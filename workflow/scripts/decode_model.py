"""Decode the bundled model, which the repository holds as text."""

if __name__ == "__main__":
    from ptq_comparison.common.job import job

    with job(snakemake) as task:
        from ptq_comparison.common.files import atomic_path
        from ptq_comparison.model.bundled import decode_bundled

        with atomic_path(task.output.model) as temporary:
            temporary.write_bytes(decode_bundled())
