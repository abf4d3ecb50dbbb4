"""Measurements, beside peers where there are any. Run as modules: `python -m bench.NAME DATA [--small]`."""
