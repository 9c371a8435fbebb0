"""Several hands at once: each act in a thread of its own, all let go at the same moment."""

import threading
from collections.abc import Callable

from app.errors import Refused


class Hand(threading.Thread):
    """Somebody who does one act in a thread of their own, once all are ready."""

    def __init__(self, act: Callable[[], object], ready: threading.Barrier) -> None:
        super().__init__()
        self.act = act
        self.ready = ready
        self.refusal: Refused | None = None
        self.failure: Exception | None = None

    def run(self) -> None:
        self.ready.wait()
        try:
            self.act()
        except Refused as refusal:
            self.refusal = refusal
        except Exception as failure:
            self.failure = failure


def at_once(*acts: Callable[[], object]) -> list[Refused | None]:
    """Do these acts at the same time and return what each was refused for (None: it was done)."""
    ready = threading.Barrier(len(acts))
    hands = [Hand(act, ready) for act in acts]
    for hand in hands:
        hand.start()
    for hand in hands:
        hand.join(timeout=30)
        assert not hand.is_alive()
        assert hand.failure is None, hand.failure
    return [hand.refusal for hand in hands]


def names(refusals: list[Refused | None]) -> list[str]:
    """Return the refusals by name, sorted; "done" where there was none."""
    return sorted("done" if r is None else type(r).__name__ for r in refusals)
