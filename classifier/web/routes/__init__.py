"""What the browser may ask, one file a part of the page."""
