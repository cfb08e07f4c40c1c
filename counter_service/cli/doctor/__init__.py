"""The checks of `counter doctor`."""
