"""How well faces are grouped, and how fast: all of Labeled Faces in the Wild, alone and among strangers."""
