"""What sorting remembers, in one SQLite file of the library; must not know networks, decoding or moving files."""
