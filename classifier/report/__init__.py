"""One self-contained HTML page about a model or a library, in English and Chinese.

No torch. The page makes no request and loads no script from elsewhere.
"""
