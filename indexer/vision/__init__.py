"""From bytes to faces: decode, detect, align, measure quality. Only vision imports OpenCV and Pillow."""
