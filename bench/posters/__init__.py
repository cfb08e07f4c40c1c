"""Clients of the @connections API, one a file, each a process that posts and says what it cost.

A poster reads its `Job` as JSON from its standard input and prints a sample as JSON.
"""
