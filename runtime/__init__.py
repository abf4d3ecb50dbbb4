"""Settings, errors, telemetry, database sessions and model files: what every layer may use."""
