"""The review page: what waits for a person, shown and decided by single keys; must not load torch or change files."""
