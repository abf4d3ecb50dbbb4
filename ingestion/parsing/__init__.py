"""File formats to elements, each in one module, all run in a sandboxed subprocess."""
