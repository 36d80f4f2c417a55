"""Model packs: where models come from, how they become ONNX, and what each may be used for."""
