"""Copies of images: found by hashes of what they look like, told from variants by comparing looks, and grouped."""
