"""What a person said the pictures show, and how it is split for learning; no torch, no network, no library."""
