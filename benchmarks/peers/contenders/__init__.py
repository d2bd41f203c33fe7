"""One module for each contender. All but Gemel's run in an environment without Gemel's packages."""
