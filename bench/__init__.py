"""How fast, beside what people use today: one file a question, each prints a table."""
