"""One self-contained page about a model or a library; draws and tells, and must not judge, train or file.

No torch, no request, no script from elsewhere; English and Chinese in one file.
"""
