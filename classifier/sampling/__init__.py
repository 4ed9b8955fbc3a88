"""A sample of a crawl for a person to label from nothing: drawn, embedded, put apart by looks. Knows no categories."""
