"""What runs a network: OpenVINO on processors, torch on GPUs and as the reference."""
