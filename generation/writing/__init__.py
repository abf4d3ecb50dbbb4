"""From what a model says to checked and cited sentences."""
