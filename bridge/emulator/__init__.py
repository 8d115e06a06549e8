"""A Coze emulator over real HTTP, with faults on demand."""
