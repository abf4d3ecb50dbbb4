"""The commands of `plumb eval`, one module a group; `cli.evaluate` registers them."""
