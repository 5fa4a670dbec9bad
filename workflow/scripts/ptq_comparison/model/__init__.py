"""An ONNX graph: reading it, its interface, its layers. onnx only."""
