"""The same comparison on other machines."""
