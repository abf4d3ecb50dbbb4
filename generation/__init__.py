"""A question and its passages to an answer that is checked against them."""
