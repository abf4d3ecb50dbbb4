"""Many questions at once, through the workers or a provider's batch endpoint."""
