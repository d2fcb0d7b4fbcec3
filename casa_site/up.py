"""`./casa up`: set-up, then all processes of the gateway until a signal ends them."""

import argparse
import gc
import json
import os
import socket
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from casa_site import env, first_start, processes, readiness, state_lock
from casa_site.env import SettingInvalid
from casa_site.free_port import obstacle
from casa_site.output import print_line, say
from casa_site.private_state import keep_private
from hardware import firmware_store, last_run

BASE = Path(__file__).resolve().parent.parent
PORTS = {
    "--cls-port": (1080, "CLS proxy, SOCKS"),
    "--cls-sni-port": (1443, "CLS proxy, TLS with SNI"),
    "--gwa-port": (8445, "interface of the gateway administrator, at CASA_GWA_HOST"),
    "--service-port": (8444, "technician's service interface"),
    "--wakeup-port": (8446, "wake-up messages (UDP), at CASA_GWA_HOST"),
}
"""Where else the gateway listens: usual port and what for."""

_LONGEST_HISTORY_DAYS = 3660


def main(arguments: list[str]) -> int:
    """Run the gateway; 0 after a stop signal, 1 when it could not start."""
    options = parser().parse_args(arguments)
    state: Path = options.state
    os.environ["CASA_STATE"] = str(state)
    keep_private(state)
    os.chdir(BASE)  # Celery imports from the working folder before all others
    env.load_file(state / env.ENV_FILE)
    try:
        first_start.begin(state, with_demo=not options.no_demo)
        state_lock.hold(state)
        _refuse_taken_port(options.host, options.han_port, "--han-port")
        _refuse_taken_port(options.host, options.service_port, "--service-port")
        gwa_host = env.text("CASA_GWA_HOST", "127.0.0.1")
        _refuse_taken_port(gwa_host, options.gwa_port, "--gwa-port")
        datagrams = socket.SOCK_DGRAM
        _refuse_taken_port(gwa_host, options.wakeup_port, "--wakeup-port", datagrams)
    except (state_lock.StateInUse, ValueError, OSError) as reason:
        print(f"casa: {reason}", file=sys.stderr)
        return 1
    return _run(options, arguments)


def _run(options: argparse.Namespace, arguments: Sequence[str]) -> int:
    # Only now: these read the settings, which need the state folder.
    from casa_site import warmup

    warmup.load_everything()
    from casa_site import installation, start_and_end
    from casa_site.roles import Listening, roles
    from casa_site.supervisor import Supervisor

    state: Path = options.state
    listening = Listening(
        host=options.host,
        han_port=options.han_port,
        with_demo=not options.no_demo and first_start.wants_demo(state),
        history_days=options.history_days,
        cls_ports=(options.cls_port, options.cls_sni_port),
        gwa_port=options.gwa_port,
        wakeup_port=options.wakeup_port,
        service_port=options.service_port,
    )
    is_new_demo = listening.with_demo and first_start.installs_demo(state)
    say("setting up ...")
    if processes.run_in_child(lambda: installation.install(listening)) != 0:
        print("casa: the set-up failed; see above.", file=sys.stderr)
        return 1
    if is_new_demo:
        print_logins(state)
    say_encryption()
    ready = f"CASA ready https://{listening.han_address}"
    if start_and_end.is_out_of_service(state):
        ready = "HARD LOCK-DOWN: out of service, the device must be exchanged"
    readiness.run_folder(state)
    crash_trace = last_run.watch_for_crash(state)
    gc.collect()
    gc.freeze()
    supervisor = Supervisor(
        state,
        roles(listening),
        lambda: print_line(ready),
        lambda: firmware_store.is_ordered(state),
    )
    supervisor.run()
    processes.run_in_child(start_and_end.end_run)
    crash_trace.close()
    if firmware_store.is_ordered(state):
        _become_launcher(arguments)
    if supervisor.restarts:
        _start_anew()
    return 0


def _become_launcher(arguments: Sequence[str]) -> NoReturn:
    """Become the launcher, which tries the release that was ordered."""
    say("starting again with another release")
    sys.stdout.flush()
    sys.stderr.flush()
    launcher = os.environ.get("CASA_LAUNCHER") or str(BASE / "casa")
    os.execv(sys.executable, [sys.executable, launcher, "up", *arguments])


def _start_anew() -> None:
    """Become the program that begins anew, with the same arguments."""
    sys.stdout.flush()
    sys.stderr.flush()
    os.execv(sys.executable, sys.orig_argv)


def print_logins(state: Path) -> None:
    """Show the demo's logins, once; later they stand in demo.json."""
    demo = json.loads((state / first_start.DEMO_FILE).read_text())
    for consumer in demo["consumers"]:
        print_line(f"  login {consumer['user']}  password {consumer['password']}")


def say_encryption() -> None:
    """Say it when the database is not encrypted at rest."""
    from django.conf import settings

    if settings.DATABASES["default"]["ENGINE"] != "casa_site.db.sqlcipher":
        say("the database file is NOT encrypted by the gateway")


def _refuse_taken_port(
    host: str,
    port: int,
    option: str,
    kind: socket.SocketKind = socket.SOCK_STREAM,
) -> None:
    """Raise SettingInvalid when somebody listens there already."""
    if reason := obstacle(host, port, kind):
        raise SettingInvalid(
            f"port {port} on {host} cannot be used ({reason}); "
            f"free it or choose another with {option}."
        )


def parser() -> argparse.ArgumentParser:
    """The options of `./casa up`."""
    parser = argparse.ArgumentParser(
        prog="casa up", description="Brings the whole gateway up and keeps it up."
    )
    default_state = env.path("CASA_STATE", BASE / "var")
    parser.add_argument(
        "--state",
        type=lambda text: Path(text).expanduser().absolute(),
        default=default_state,
        metavar="DIR",
        help="state folder (./var beside the launcher, or CASA_STATE)",
    )
    parser.add_argument(
        "--no-demo", action="store_true", help="no demo installation, no simulators"
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--han-port", type=_port, default=8443, metavar="PORT")
    parser.add_argument(
        "--history-days",
        type=_days,
        default=70,
        metavar="N",
        help="history of the demo",
    )
    for name, (port, text) in PORTS.items():
        parser.add_argument(name, type=_port, default=port, metavar="PORT", help=text)
    return parser


def _port(text: str) -> int:
    return _number(text, 1, 65_535)


def _days(text: str) -> int:
    return _number(text, 0, _LONGEST_HISTORY_DAYS)


def _number(text: str, least: int, most: int) -> int:
    is_number = text.isascii() and text.isdecimal()
    if not is_number or not least <= int(text) <= most:
        raise argparse.ArgumentTypeError(f"'{text}' is no number of {least} to {most}")
    return int(text)
