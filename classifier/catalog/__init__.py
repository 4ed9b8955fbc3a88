"""The catalog: one SQLite file in the library, with everything that sorting records.

Contains all SQL. Never decodes images, runs a model or changes a user's file.
"""
