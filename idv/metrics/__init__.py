"""Pure statistics in NumPy: arrays in, numbers out; no file, no clock, no word of what is being measured."""
