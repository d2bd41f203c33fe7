"""Programs for who works on Gemel: the generated reference pages, the checks of words and links."""
