"""A help desk of one's own as a platform of coze-bridge; docs/adapters.md walks through it."""
