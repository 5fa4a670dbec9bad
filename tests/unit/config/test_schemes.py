"""The types of the quantized models."""

from ptq_comparison.config.schemes import quantized_models

DEFAULTS = {
    "format": "QDQ",
    "per_channel": False,
    "reduce_range": False,
    "nodes_to_exclude": [],
    "op_types_to_quantize": [],
    "extra_options": {},
}


def test_extra_dtypes_take_over_what_they_do_not_set():
    config = {
        **DEFAULTS,
        "per_channel": True,
        "dtypes": ["int8"],
        "extra_dtypes": {
            "reduced": {
                "activation_type": "QUInt8",
                "weight_type": "QInt8",
                "reduce_range": True,
            }
        },
    }
    models = quantized_models(config)
    assert list(models) == ["int8", "reduced"]
    assert models["int8"]["reduce_range"] is False
    reduced = models["reduced"]
    assert reduced["per_channel"] and reduced["reduce_range"]
    assert reduced["activation_type"] == "QUInt8"
