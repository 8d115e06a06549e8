"""A chat page on the built-in server."""
