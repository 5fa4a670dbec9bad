"""The functions behind the rules: sample, calibrate, quantize, predict, evaluate, compare."""
