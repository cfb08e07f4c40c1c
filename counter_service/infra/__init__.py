"""The Pulumi components. They import only the contract of the runtime."""
