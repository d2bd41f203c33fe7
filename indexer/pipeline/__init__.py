"""From a file's bytes to aligned, judged, embedded faces, with the model that a gallery uses."""
