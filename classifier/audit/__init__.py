"""Audits: a random sample of the filed images, judged by a person, and the resulting bound on the error rate.

No terminal and no page: the command line and the web page use the same session.
"""
