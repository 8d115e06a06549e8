"""Whether the task that runs was told to end."""

import asyncio


def end_if_asked() -> None:
    """Raises `CancelledError` if this task was cancelled and nothing came of it.

    Libraries make another error of it where a connection fails at the very moment; before Python
    3.12, `asyncio.wait_for` forgets it where what it waits for comes at the very moment. Nobody
    asks twice: whoever goes round for ever, and survives errors, asks here in each round.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError
