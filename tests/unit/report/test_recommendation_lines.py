"""The recommendation on a terminal of 80 x 24."""

import pytest
from ptq_comparison.report.recommendation_lines import recommendation_lines

CONTENT = {
    "recipe": "u8s8_gptq_QOperator",
    "words": "batch normalization folded, unsigned activations, signed 7-bit weights per channel, "
    "MinMax ranges of 512 images, GPTQ rounding, integer operators (QOperator)",
    "warning": None,
    "model": {"path": "results/models/recommended.onnx", "bytes": 98541},
    "test": {
        "size_ratio": 0.3132,
        "speedup": 1.47,
        "speedup_ci95": [1.46, 1.48],
        "speed_setting": "1 thread, batch 1",
        "delta_pp": -0.1,
        "delta_ci95_pp": [-0.85, 0.63],
        "mcnemar_p": 0.4,
    },
}


def test_name_words_file_size_speed_and_loss():
    assert recommendation_lines(CONTENT) == [
        "Recommended: u8s8_gptq_QOperator",
        "  what   batch normalization folded, unsigned activations, signed 7-bit weights",
        "         per channel, MinMax ranges of 512 images, GPTQ rounding, integer",
        "         operators (QOperator)",
        "  file   results/models/recommended.onnx",
        "  size   98,541 bytes, 31 % of float32",
        "  speed  1.47 times float32 here (1.46 to 1.48; 1 thread, batch 1)",
        "  loss   -0.10 pp (95 % interval -0.85 to +0.63), not significant",
        "  use    results/recommendation.md tells how; results/models/README.md",
    ]


@pytest.mark.parametrize(
    "changes",
    [
        {"recipe": "r" * 300},
        {"words": "node " + "n" * 3000},
        {"words": ", ".join(f"node/conv-{number}" for number in range(300))},
        {"test": {**CONTENT["test"], "speedup_ci95": [1e9, 2e9], "speed_setting": "x " * 50}},
    ],
)
def test_whatever_the_names_it_stays_in_the_window(changes):
    lines = recommendation_lines({**CONTENT, "warning": "It may saturate.", **changes})
    assert len(lines) <= 12
    assert all(0 < len(line) <= 79 for line in lines)


def test_without_speed_it_says_so():
    test = {**CONTENT["test"], "speedup": None, "speedup_ci95": None, "speed_setting": None}
    assert "  speed  not measured" in recommendation_lines({**CONTENT, "test": test})


def test_a_slower_model_and_one_that_may_saturate_are_called_so():
    test = {**CONTENT["test"], "speedup": 0.74, "speedup_ci95": [0.7, 0.78]}
    lines = recommendation_lines({**CONTENT, "test": test, "warning": "It may saturate."})
    assert "  speed  slower: 0.74 times float32 here (0.70 to 0.78; 1 thread, batch 1)" in lines
    assert any(line.startswith("  note   may saturate on x86-64 without VNNI") for line in lines)
    test["speedup_ci95"] = [0.7, 1.1]
    assert not any("slower" in line for line in recommendation_lines({**CONTENT, "test": test}))


def test_the_one_that_agrees_most_stands_beside_it():
    best = {"recipe": "u8s8_gptq_percentile_first_and_last_in_float", "agreement": 0.991}
    content = {**CONTENT, "best": {**best, "speedup": 1.4}, "validation": {"agreement": 0.989}}
    lines = recommendation_lines(content)
    assert any(
        line.startswith("  agrees 98.90%; most often u8s8_gptq") and "99.10%, 1.40 times" in line
        for line in lines
    )
    untimed = {**content, "best": {**best, "speedup": None}}
    assert any(line.endswith(": 99.10%") for line in recommendation_lines(untimed))
    assert not any("agrees" in line for line in recommendation_lines({**content, "best": None}))
    words = ", ".join(f"node/conv-{number}" for number in range(300))
    full = recommendation_lines({**content, "warning": "It may saturate.", "words": words})
    assert len(full) == 12 and max(map(len, full)) <= 79
