"""Jobs of a project: illsort's own commands, one at a time, each in a process that outlives whoever started it.

A job is a small file in the folder `.illsort-jobs` of the project. `runner` is the process that works through them; the
command itself runs in another one, which holds a lock while it works and records how it ended (`process`). What is
running, and how far it is, is read from these files, so nothing is lost when the page or its server is closed.
"""
