"""Who is whom: merge, split and move, each with undo, and the decisions of reviews."""
