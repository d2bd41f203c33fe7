"""The tier `gpu`: vectors in the memory of graphics cards, and the thread that owns them."""
