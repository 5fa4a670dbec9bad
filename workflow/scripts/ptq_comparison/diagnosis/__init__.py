"""Why a quantized model has lost accuracy, from measurements of its nodes."""
