"""From bytes to faces: decode, detect, align, measure quality. The only room that imports OpenCV."""
