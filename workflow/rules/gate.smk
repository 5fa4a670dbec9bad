# needs  results/verification.json
# makes  nothing: it fails when a requirement does


rule gate:
    """Fail when the verification has failed, so that a CI can block on it."""
    input:
        verification="results/verification.json",
    log:
        "results/logs/gate.log",
    conda:
        "../../envs/onnx.yaml"
    params:
        code=get_code("gate"),
    script:
        "../scripts/gate.py"
