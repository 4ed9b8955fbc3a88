"""Labels from nothing, and learning again while a person reviews; files change only through a sort."""
