"""`python -m indexer.cli`, for launchers that start a module, such as `torchrun -m`."""

from indexer.cli import main

main()
