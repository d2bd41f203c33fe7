"""HTML pages that need no other file: one Jinja environment, one set of styles, one canvas for plots."""
