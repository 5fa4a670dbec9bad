# needs  results/verification.json
# makes  results/verification.html, the same for the report


rule report_verification:
    """Put the verification into a table that sorts and searches."""
    input:
        verification="results/verification.json",
    output:
        html=report(
            "results/verification.html",
            caption="../report/verification.rst",
            category="4 Verification",
            labels={"content": "requirements", "shows": "expected and measured"},
        ),
    log:
        "results/logs/report_verification.log",
    benchmark:
        "results/benchmarks/report_verification.tsv"
    conda:
        "../../envs/report.yaml"
    params:
        code=get_code("report_verification"),
    script:
        "../scripts/report_verification.py"
