"""The work of a re-index: embed what is stored with another model, build, prove, compare, clean up."""
