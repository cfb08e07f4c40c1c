"""What `counter doctor` checks, each check with its finding."""
