"""The counter as the tutorials write it."""
