"""The agent as a file: `agents/<name>.toml` and what Coze's `POST /v1/bot/update` takes."""
