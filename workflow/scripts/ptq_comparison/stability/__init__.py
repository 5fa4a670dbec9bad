"""What another draw of calibration images does to the quantized models."""
