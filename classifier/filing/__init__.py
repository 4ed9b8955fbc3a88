"""The only code that changes a user's files: names, moves, recovery; must not know networks or how to read pictures."""
