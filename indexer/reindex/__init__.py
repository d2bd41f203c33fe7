"""A gallery's way from one model to another: plan, embed, build, compare, switch, clean up."""
