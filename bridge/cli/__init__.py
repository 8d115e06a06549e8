"""The command line: one module for each family of commands, over what they share (`shell.py`)."""

from bridge.cli.main import app, main

__all__ = ["app", "main"]
