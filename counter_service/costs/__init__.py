"""What a counter costs: prices, units, and a model of its traffic. Pure."""
