"""How much of a claim its evidence carries."""
