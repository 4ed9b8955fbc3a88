"""The one decode-and-forward loop: paths in, embeddings and logits out, or a failure each.

Training, sorting and labeling use it alike. It has no categories and no catalog.
"""
