# The door to the workflow, so that plain `snakemake` in this folder finds it.


include: "workflow/Snakefile"


rule default:
    """Make everything; `snakemake --list` names the targets."""
    default_target: True
    input:
        rules.all.input,
