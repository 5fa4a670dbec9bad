# Entry point: lets `snakemake` without --snakefile find the workflow in this folder.


include: "workflow/Snakefile"


rule default:
    """Make everything; `snakemake --list` names the targets."""
    default_target: True
    input:
        rules.all.input,
