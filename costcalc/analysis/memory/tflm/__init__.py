"""FlatModel to the arena of TensorFlow Lite for Microcontrollers: head, tail and total, to the byte."""
