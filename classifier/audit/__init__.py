"""Audits: a random sample of the filed pictures, judged by a person, and the bound that follows.

No terminal and no page: the command line and the web page use the same session.
"""
