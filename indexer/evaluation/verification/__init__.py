"""One to one: do two photographs show the same person?"""
