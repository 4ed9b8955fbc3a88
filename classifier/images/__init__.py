"""Image files: found, identified by content, and decoded in one exact way. Uses Pillow and no torch."""
