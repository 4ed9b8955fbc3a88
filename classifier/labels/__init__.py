"""Labels and their split for training; without torch. Reads catalogs and label folders and changes nothing."""
