"""The code that runs in Lambda. Nothing else ships there."""
