"""Setting the clock of the host: an option, for devices that are nothing else."""

import time
from datetime import timedelta


def set_host_clock(by: timedelta) -> bool:
    """Move the host's clock; False when this process may not do that."""
    step_ns = (by // timedelta(microseconds=1)) * 1000
    try:
        now_ns = time.clock_gettime_ns(time.CLOCK_REALTIME)
        time.clock_settime_ns(time.CLOCK_REALTIME, now_ns + step_ns)
    except OSError:
        return False
    return True
