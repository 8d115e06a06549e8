"""Who calls drain, and when."""
