"""Files that are pictures: found, named by content, decoded the one exact way.

Knows Pillow and the file system; must not know torch, categories, models or SQL.
"""
