"""The one batch pipeline: pictures in, embeddings and logits out, or a failure each.

Serves learning, sorting and labelling alike; must not know categories, folders or the catalog.
"""
