"""`python -m indexer.cli`, for launchers that start a module (`torchrun -m`)."""

from indexer.cli import main

main()
