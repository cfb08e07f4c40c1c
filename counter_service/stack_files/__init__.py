"""Stack files: the configuration of a stack, as Pulumi's engine reads it."""
