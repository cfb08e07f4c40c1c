"""The Pulumi components. Of the runtime they know the contract alone."""
