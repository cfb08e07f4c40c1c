"""The Pulumi components. Of the runtime they import only the contract."""
