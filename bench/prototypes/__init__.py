"""What was tried and measured, and is not in the product."""
