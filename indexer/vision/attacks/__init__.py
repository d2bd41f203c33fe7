"""Presentation attacks made from photographs, for evaluation: what a photograph of a
print or of a screen that shows them looks like. All of them are synthetic: nothing was printed or shown.

Every function takes an RGB picture of shape (height, width, 3), uint8, and a random generator, which decides
all that differs between two attacks. Serving never imports this package.
"""
