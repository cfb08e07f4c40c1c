"""What `counter load` does: a plan, its clients, what came of them, and how it is shown."""
