"""How well a model identifies the people of a gallery, measured on the gallery itself."""
