"""HTTP interface and web page."""
