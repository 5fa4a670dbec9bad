# Entry point, so that plain `snakemake` finds the workflow in this folder.


include: "workflow/Snakefile"


rule default:
    """Make everything; `snakemake --list` names the targets."""
    default_target: True
    input:
        rules.all.input,
