"""Sets up what the commands of the Makefile need: Python packages, Node, the page, the Pulumi CLI.

It runs on any Python from 3.11 before a package is installed, so it imports only the standard
library. Each part looks at what is there, and repairs or rebuilds it; no stamp is trusted.
"""
