"""Test sets drafted from a collection: questions with their evidence, for a person to accept or edit."""
