"""A terminal as a platform, for one message."""
