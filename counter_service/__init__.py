"""A realtime counter: one click moves the number in every open tab."""
