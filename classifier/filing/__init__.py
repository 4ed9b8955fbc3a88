"""The only code that changes a user's files: names, plans, moves, recovery, undo. No torch, no image decoding."""
