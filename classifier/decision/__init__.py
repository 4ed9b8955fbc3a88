"""What to do with each image, from probabilities, thresholds and annotations. Pure: reads and writes nothing."""
