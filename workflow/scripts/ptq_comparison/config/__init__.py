"""What the user asks for: options, methods, schemes and recipes."""
