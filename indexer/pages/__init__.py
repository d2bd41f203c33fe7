"""HTML pages that are one file each: one Jinja environment, one set of styles, one style of plots."""
