"""The quantized models and their types."""

# Name: (activation type, weight type), as onnxruntime's QuantType names them.
DTYPES = {"int8": ("QInt8", "QInt8"), "uint8": ("QUInt8", "QUInt8")}
