"""The bridge between chat platforms and a Coze agent."""
