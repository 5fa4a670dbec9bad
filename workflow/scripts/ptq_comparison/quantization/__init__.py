"""From float32 to 8 bits, and checks of the result."""
