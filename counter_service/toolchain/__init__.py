"""Sets up what the commands of the Makefile need: Python packages, Node, the page, the Pulumi CLI.

It runs on any Python from 3.11 before a package is installed, so it imports only the standard
library. Each part checks what is installed, and installs, repairs or rebuilds what is wrong. A
stamp is never enough: the files that it stands for are checked too.
"""
