"""Which work has begun under which key, and how to stop it from elsewhere."""

from bridge.flow.stop import Stop


class Interrupts:
    """At most one piece of work per key; its `Stop` lasts over all its runs."""

    def __init__(self) -> None:
        self._begun: dict[str, tuple[int, Stop]] = {}
        self._hurried = False

    def begin(self, key: str, work: int) -> Stop:
        """The stop of this piece of work; another piece under the key is over."""
        begun, stop = self._begun.get(key, (None, None))
        if begun != work or stop is None:
            stop = Stop()
            if self._hurried:
                stop.hurry()
            self._begun[key] = (work, stop)
        return stop

    def end(self, key: str) -> None:
        """Nothing is at work under the key."""
        self._begun.pop(key, None)

    def ask(self, key: str) -> bool:
        """Stop what has begun under the key; tells whether there was anything."""
        if key not in self._begun:
            return False
        self._begun[key][1].ask()
        return True

    async def reach(self, key: str) -> bool:
        """Like `ask`, where nobody else could have begun it."""
        return self.ask(key)

    def hurry(self) -> None:
        """From now on let nobody sleep: there is no time left to wait for better days."""
        self._hurried = True
        for _, stop in self._begun.values():
            stop.hurry()
