"""The network, its transform, its calibration, and the bundle that carries them; knows no library and no crawl."""
