"""Runs networks on the processor, by OpenVINO. `vision` and `embedding` read the networks' files."""
