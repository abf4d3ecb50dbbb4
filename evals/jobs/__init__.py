"""Measurements as jobs: handed in, worked off one at a time, taken up again after a crash."""
