"""From labels to a trained network and what is known of it; knows no crawl, no library and no bundle's files."""
