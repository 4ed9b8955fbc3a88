"""Audits: a random sample of what was filed, judged by a person, and what follows from it; knows no terminal."""
