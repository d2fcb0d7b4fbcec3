"""One supervised process: when it is started again, and whether it counts as failed.

Pure bookkeeping over monotonic times that are handed in; forks nothing.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

FIRST_DELAY_S = 0.5
LONGEST_DELAY_S = 30.0
CRASH_LOOP_DEATHS = 5
CRASH_LOOP_S = 60.0


@dataclass(frozen=True, slots=True)
class Role:
    """A process of the gateway: its name and what it runs.

    A one-shot role ends by itself (exit status 0) and is not started again.
    `needed` roles make up `CASA ready`. `beside` names services that share the
    process; each says for itself that it is ready.
    """

    name: str
    run: Callable[[], object]
    is_one_shot: bool = False
    needed: bool = True
    beside: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Of all services in its process, its own first."""
        return (self.name, *self.beside)


class State(StrEnum):
    """What a service does at the moment."""

    STARTING = "starting"
    READY = "ready"
    WAITING = "waiting"
    FAILED = "failed"
    DONE = "done"


@dataclass(slots=True)
class Service:
    """A role and what became of its processes."""

    role: Role
    pid: int | None = None
    started_at: float = 0.0
    is_ready: bool = False
    ready_beside: set[str] = field(default_factory=set)
    is_done: bool = False
    restart_at: float | None = 0.0
    delay_s: float = FIRST_DELAY_S
    starts: int = 0
    deaths: deque[float] = field(
        default_factory=lambda: deque(maxlen=CRASH_LOOP_DEATHS)
    )

    def has_started(self, pid: int, *, now: float) -> None:
        """A process of it runs now."""
        self.pid, self.started_at, self.restart_at = pid, now, None
        self.starts += 1

    def has_announced(self) -> None:
        """It does its work: the next restart may come quickly again."""
        self.is_ready = True
        self.delay_s = FIRST_DELAY_S

    def has_ended(self, exit_status: int, *, now: float) -> None:
        """Its process is gone: plan the next start, or none after a good one-shot."""
        self.pid, self.is_ready = None, False
        self.ready_beside.clear()
        if self.role.is_one_shot and exit_status == 0:
            self.is_done = True
            return
        self.deaths.append(now)
        self.restart_at = now + self.delay_s
        self.delay_s = min(self.delay_s * 2, LONGEST_DELAY_S)

    def is_due(self, *, now: float) -> bool:
        """Whether it is time to start it (again)."""
        return self.restart_at is not None and now >= self.restart_at

    def is_crash_looping(self, *, now: float) -> bool:
        """Whether it died five times within a minute."""
        return (
            len(self.deaths) == CRASH_LOOP_DEATHS
            and now - self.deaths[0] <= CRASH_LOOP_S
        )

    def state(self, *, now: float) -> State:
        """What to show for it."""
        if self.is_done:
            return State.DONE
        if self.is_crash_looping(now=now):
            return State.FAILED
        if self.pid is None:
            return State.WAITING
        return State.READY if self.is_ready else State.STARTING

    def states(self, *, now: float) -> dict[str, State]:
        """The same for each service of its process, by name."""
        own = self.state(now=now)
        if own in {State.DONE, State.FAILED, State.WAITING}:
            return dict.fromkeys(self.role.names, own)
        shown = {
            name: State.READY if name in self.ready_beside else State.STARTING
            for name in self.role.beside
        }
        return {self.role.name: own, **shown}
