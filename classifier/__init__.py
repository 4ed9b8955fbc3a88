"""illsort: sorts pictures into your own categories, and knows how sure it is."""

__version__ = "0.1.0"
