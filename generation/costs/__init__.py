"""What answers used and cost."""
