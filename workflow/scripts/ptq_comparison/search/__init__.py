"""The recipe to ship: single nodes, mixed precision, selection."""
