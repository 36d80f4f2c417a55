"""Runs networks behind the port `Inference`: ONNX Runtime in this process, and recordings without any."""
