"""The review page: its server, queue and session, and the static files. Without torch, so that it starts at once."""
