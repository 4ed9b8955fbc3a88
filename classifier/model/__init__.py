"""The network, its transform, its calibration, and the bundle they are stored in.

The package uses no library and no crawl. timm is imported in `backbone` alone; `manifest`, `bundle_files`,
`evaluation_fields`, `holdout` and `labeled_embeddings` need no torch, and the head, OOD detection, calibration and risk
control are numpy.
"""
