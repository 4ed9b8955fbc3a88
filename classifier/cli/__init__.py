"""The command line: one short file a command; the only code that prints or exits. Imports late."""
