"""Which operators of a `.tflite` model an NPU runs, and what its compiler is expected to make of them."""
