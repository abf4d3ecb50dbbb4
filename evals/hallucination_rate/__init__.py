"""The share of answers with unsupported content: estimated, corrected, watched."""
