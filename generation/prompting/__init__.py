"""What a language model is given: instructions, question, evidence."""
