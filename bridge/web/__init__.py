"""The built-in HTTP server."""
