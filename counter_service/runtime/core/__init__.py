"""The rules of the counter: pure Python on ports, without AWS, clock, randomness or I/O."""
