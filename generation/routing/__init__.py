"""Which models answer a question, and why."""
