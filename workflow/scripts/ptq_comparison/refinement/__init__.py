"""Weights and biases changed before quantization so that it costs less."""
