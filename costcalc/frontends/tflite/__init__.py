"""Models of TensorFlow Lite and LiteRT (`.tflite`): flatbuffer, schema, and the graph in the file's own vocabulary."""
