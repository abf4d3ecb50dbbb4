"""Measurements, beside peers where there are any. Run as modules: `python -m bench.NAME --data FOLDER [--small]`."""
