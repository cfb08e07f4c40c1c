"""Clients of the @connections API.

Each is a process that reads a `Job` from its standard input as JSON, posts, and prints a sample as
JSON.
"""
