"""The only upstream HTTP."""
