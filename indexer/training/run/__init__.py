"""The folder of a training run: its lock, checkpoint, progress and history."""
