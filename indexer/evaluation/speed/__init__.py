"""How long each stage of the pipeline takes on this machine."""
