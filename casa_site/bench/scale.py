"""How much is measured: enough for numbers that mean something, or just once."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """`rounds` of each CPU figure; the rest says how large one round is.

    `months` and `days` are the length of the household's lists (days: only their
    last days are filled), `demo_days` that of the demo, `idle_s` how long the idle
    gateway is watched.
    """

    rounds: int
    meters: int
    boundaries: int
    passes: int
    pages: int
    months: int
    days: int | None
    requests: int
    page_views: int
    demo_days: int
    idle_s: float


FULL = Scale(
    rounds=9,
    meters=64,
    boundaries=8,
    passes=2,
    pages=25,
    months=24,
    days=None,
    requests=100,
    page_views=300,
    demo_days=70,
    idle_s=60.0,
)

SMALLEST = Scale(
    rounds=1,
    meters=3,
    boundaries=1,
    passes=1,
    pages=2,
    months=24,
    days=2,
    requests=4,
    page_views=20,
    demo_days=1,
    idle_s=1.0,
)
"""Shows that everything still runs; its numbers mean nothing."""
