"""Checks on texts that enter and leave the platform."""
