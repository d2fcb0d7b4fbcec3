"""The demo installation: two consumers, their simulated meters, their contracts.

All bytes go the real way: simulated meters behind a pseudo-terminal, the real link,
codecs, records and signatures (decisions.md, section 3).
"""

from functools import partial
from pathlib import Path

from casa_site.demo.history import write_history
from casa_site.demo.installation import install
from casa_site.demo.meters import serve_meters
from casa_site.demo.plan import HUID
from casa_site.demo.time_server import is_installed, serve_time
from casa_site.demo.wan_peers import roles as peer_roles
from casa_site.service import Role

__all__ = ["HUID", "install", "roles"]


def roles(state: Path) -> list[Role]:
    """The demo's own processes: meters, time server, partners, and the history once."""
    time_server = Role("demo-time", partial(serve_time, state), needed=False)
    return [
        *([time_server] if is_installed(state) else []),
        Role("demo-meters", partial(serve_meters, state)),
        *peer_roles(state),
        Role("demo-history", write_history, is_one_shot=True, needed=False),
    ]
