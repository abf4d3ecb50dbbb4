"""Builders of the sample documents, one module for each family of formats."""
