"""The Pulumi components. They import nothing of the runtime except its contract."""
