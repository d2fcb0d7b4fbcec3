"""Slow and silent clients of the web server take its threads from nobody."""

import os
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
from gunicorn.config import Config
from gunicorn.glogging import Logger
from gunicorn.workers.gthread import TConn, ThreadWorker

from casa_site.han_server import THREADS, tls_context
from casa_site.han_worker import REQUEST_S, PatientSocket, PatientWorker
from casa_site.peer_limit import MOST_PER_PEER, PeerLimit
from hardware.gateway import Gateway
from hardware.han_certificate import ensure_han_files


class Seconds:
    """A monotonic clock that a test moves."""

    def __init__(self) -> None:
        self.value = 100.0

    def __call__(self) -> float:
        return self.value


def shaken(context: ssl.SSLContext) -> tuple[PatientSocket, ssl.SSLSocket]:
    """Server and client of a TLS connection."""
    ours, theirs = socket.socketpair()
    server = context.wrap_socket(ours, server_side=True, do_handshake_on_connect=False)
    trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    trusting.check_hostname = False
    trusting.verify_mode = ssl.CERT_NONE
    client = trusting.wrap_socket(theirs, do_handshake_on_connect=False)
    thread = threading.Thread(target=client.do_handshake)
    thread.start()
    server.do_handshake()
    thread.join()
    assert isinstance(server, PatientSocket)
    return server, client


@pytest.fixture
def ends(gateway: Gateway) -> Iterator[tuple[PatientSocket, ssl.SSLSocket]]:
    files = ensure_han_files(gateway, now=datetime.now(UTC))
    context = tls_context(files, tls_max="1.3")
    server, client = shaken(context)
    with server, client:
        yield server, client


@pytest.fixture
def seconds(
    ends: tuple[PatientSocket, ssl.SSLSocket], monkeypatch: pytest.MonkeyPatch
) -> Seconds:
    clock = Seconds()
    monkeypatch.setattr(ends[0], "monotonic", clock)
    return clock


def test_a_dripping_client_has_five_seconds_for_its_whole_request(
    ends: tuple[PatientSocket, ssl.SSLSocket], seconds: Seconds
) -> None:
    """However often it sends a byte; the next request has its own five seconds."""
    server, client = ends
    for _ in range(2):
        server.begin_request()
        server.setblocking(True)
        for _ in range(int(REQUEST_S)):
            client.send(b"G")
            assert server.recv() == b"G"
            seconds.value += 1
        with pytest.raises(ConnectionResetError):
            server.recv()


def test_the_time_for_the_answer_is_not_that_of_the_request(
    ends: tuple[PatientSocket, ssl.SSLSocket], seconds: Seconds
) -> None:
    server, client = ends
    server.setblocking(True)
    before = server.gettimeout()
    server.begin_request()
    seconds.value += 4.5
    client.send(b"G")
    server.recv()
    assert server.gettimeout() == before


@pytest.mark.req("R159")
def test_a_connection_that_is_kept_alive_ends_after_48_hours(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """wan.md 2: a client that goes on asking has to shake hands anew."""
    clock = Seconds()
    monkeypatch.setattr(PatientSocket, "monotonic", clock)
    files = ensure_han_files(gateway, now=datetime.now(UTC))
    server, client = shaken(tls_context(files, tls_max="1.3"))
    with server, client:
        worker = PatientWorker.__new__(PatientWorker)
        monkeypatch.setattr(ThreadWorker, "handle", lambda *_: True)
        conn = Standing(server)
        clock.value += 48 * 3600 - 1
        assert worker.handle(conn) is True and not conn.is_closed
        clock.value += 1
        assert worker.handle(conn) is False and conn.is_closed


@dataclass
class Standing:
    """A connection as the worker knows it, after its handshake."""

    sock: PatientSocket
    initialized: bool = True
    is_closed: bool = False

    def close(self, graceful: bool) -> None:
        self.is_closed = graceful


def test_six_of_a_peer_go_on_and_the_seventh_when_one_has_done() -> None:
    limit: PeerLimit[str] = PeerLimit()
    assert MOST_PER_PEER == 6 < THREADS
    entered = [limit.enter("a", f"a{number}") for number in range(8)]
    assert entered == [True] * 6 + [False] * 2
    assert limit.enter("b", "b0")
    assert [limit.leave("a") for _ in range(8)] == ["a6", "a7", *[None] * 6]
    assert limit.leave("b") is None
    assert (limit._open, limit._waiting) == ({}, {})


@dataclass
class Pool:
    """A thread pool whose threads do what a test says."""

    futures: list[Future[Any]] = field(default_factory=list)

    def submit(self, _work: Callable[..., Any], _conn: Any) -> Future[Any]:
        self.futures.append(Future())
        return self.futures[-1]


def test_the_worker_hands_no_more_than_six_connections_of_a_peer_to_its_threads() -> (
    None
):
    config = Config()
    worker = PatientWorker(1, os.getpid(), [], None, 30, config, Logger(config))
    worker.tpool = pool = Pool()
    worker.method_queue.init()
    pairs = [socket.socketpair() for _ in range(9)]
    peers = ["192.0.2.1"] * 8 + ["192.0.2.2"]
    for (ours, _theirs), peer in zip(pairs, peers, strict=True):
        worker.nr_conns += 1
        worker.enqueue_req(TConn(config, ours, (peer, 50_000), ("127.0.0.1", 8443)))
    assert len(pool.futures) == 7
    for future in pool.futures[:2]:
        future.set_result(False)
        worker.method_queue.run_callbacks(None)
    assert (len(pool.futures), worker.nr_conns) == (9, 7)
    worker.method_queue.close()
    for pair in pairs:
        for end in pair:
            end.close()
    worker.tmp.close()


def test_a_connection_is_closed_in_its_thread_and_not_in_the_main_loop(
    ends: tuple[PatientSocket, ssl.SSLSocket],
) -> None:
    """A client that does not hang up would hold the main loop for two seconds."""
    config = Config()
    worker = PatientWorker(1, os.getpid(), [], None, 30, config, Logger(config))
    server, client = ends
    conn = TConn(config, server, ("192.0.2.1", 50_000), ("127.0.0.1", 8443))
    conn.initialized = conn.data_ready = True
    conn.parser = iter(())
    client.close()
    assert worker.handle(conn) is False
    assert server.fileno() == -1
    conn.close(graceful=True)
    worker.tmp.close()
