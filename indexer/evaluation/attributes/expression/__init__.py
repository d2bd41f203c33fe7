"""How often an expression is estimated right, on a folder of labelled pictures."""
