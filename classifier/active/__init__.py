"""Labels from nothing, and learning while a person reviews. Files change only through a sort."""
