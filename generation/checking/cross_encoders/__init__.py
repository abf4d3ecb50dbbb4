"""Cross-encoders and NLI models from elsewhere as checkers."""
