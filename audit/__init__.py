"""What `make audit` runs: scanners over the graph, and advisories about the packages."""
