"""Servers under measurement: each in a temporary folder, on free loopback ports, ended and removed whatever happens.

A Dovecot or a Radicale of the system is not touched: these have their own folder, their own configuration and their own ports, and are
ended by the number of the process that was started here.
"""

import contextlib
import ctypes
import json
import os
import pathlib
import random
import resource
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
DOMAIN = "bench.test"
# Seconds that a server may take to come up, and to end. Generous: a debug build on a busy machine with a large store.
START_SECONDS = 300
STOP_SECONDS = 120
# Seconds that we wait for a server's work in the background to end before the next measurement.
SETTLE_SECONDS = 10
# Descriptors for some thousand connections.
DESCRIPTORS = 16384

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


def _end_with_parent():
    # Also when this script is killed: nothing may be left running.
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def start(command: list[str], **options) -> subprocess.Popen:
    """A child in a session of its own, so that Ctrl-C reaches only this script, which then ends its children in order."""
    options = {"stdin": subprocess.DEVNULL} | options
    return subprocess.Popen(command, start_new_session=True, preexec_fn=_end_with_parent, **options)


def stop(child: subprocess.Popen):
    if child.poll() is None:
        child.terminate()
        try:
            child.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


class Bench:
    """The folder of one run and the servers in it. `with Bench() as bench:` removes both, also on Ctrl-C and SIGTERM."""

    def __enter__(self):
        def leave(number, _frame):
            raise KeyboardInterrupt(signal.Signals(number).name)

        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, leave)
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, DESCRIPTORS)), hard))
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="octroi-bench-"))
        # Dovecot's processes run as users of their own and must reach their sockets; our own data folder closes itself.
        self.folder.chmod(0o711)
        self.servers = []
        return self

    def __exit__(self, *_):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        for server in self.servers:
            server.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def add(self, server):
        self.servers.append(server)
        server.start()
        return server


class Server:
    """What all have in common."""

    name = ""
    durability = ""

    def __init__(self, folder: pathlib.Path):
        self.folder = folder
        self.child: subprocess.Popen | None = None
        self.ports: dict[str, tuple[str, int]] = {}

    def start(self):
        """Come up, and return once it listens."""
        raise NotImplementedError

    def address(self, service: str) -> tuple[str, int]:
        return self.ports[service]

    def user(self, number: int) -> tuple[str, str]:
        return f"u{number}@{DOMAIN}", "pw"

    def pid(self) -> int:
        assert self.child is not None
        return self.child.pid

    def stop(self):
        if self.child is not None:
            stop(self.child)
            self.child = None

    def data(self) -> pathlib.Path:
        """Where the mail lies."""
        raise NotImplementedError

    def memory(self) -> dict[str, int]:
        """VmHWM and RssAnon of the main process, in KiB."""
        lines = pathlib.Path(f"/proc/{self.pid()}/status").read_text().splitlines()
        fields = dict(line.split(":", 1) for line in lines)
        return {name: int(fields[name].split()[0]) for name in ("VmHWM", "RssAnon")}

    def disk(self) -> int:
        """Octets that the data takes on disk."""
        return sum(p.lstat().st_blocks * 512 for p in self.data().rglob("*"))

    def restart(self) -> float:
        """Stop and start again on the same data; seconds until it listens."""
        self.stop()
        began = time.monotonic()
        self.start()
        return time.monotonic() - began

    def settle(self):
        """Wait until what goes on in the background is done, so that it is not charged to whatever is measured next."""
        end, before = time.monotonic() + SETTLE_SECONDS, -1.0
        while time.monotonic() < end:
            now = cpu_seconds(self.pid())
            if now - before < 0.01:
                return
            before = now
            time.sleep(0.1)


def cpu_seconds(pid: int) -> float:
    """Processor time of a process and all that descend from it."""
    children, times = {}, {}
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            fields = pathlib.Path(f"/proc/{entry}/stat").read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        children.setdefault(int(fields[1]), []).append(int(entry))
        times[int(entry)] = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    total, waiting = 0.0, [pid]
    while waiting:
        at = waiting.pop()
        total += times.get(at, 0.0)
        waiting.extend(children.get(at, ()))
    return total


class Octroi(Server):
    """Ours: the demo server, which takes free ports by itself."""

    name = "Octroi"
    durability = "every message is synced before it is acknowledged"

    def __init__(self, folder: pathlib.Path, binary: pathlib.Path, accounts: int):
        super().__init__(folder)
        self.binary, self.accounts = binary, accounts
        # Further arguments.
        self.more: list[str] = []
        self.passwords: dict[str, str] = {}
        self.people: list[dict] = []

    def start(self):
        self.folder.mkdir(exist_ok=True)
        log = open(self.folder / "log", "ab")
        command = [str(self.binary), "demo", "--json", "--accounts", str(self.accounts), "--domain", DOMAIN, "--data", str(self.data())]
        command += self.more
        self.child = start(command, stdout=subprocess.PIPE, stderr=log)
        log.close()
        ready, _, _ = select.select([self.child.stdout], [], [], START_SECONDS)
        line = self.child.stdout.readline() if ready else b""
        if not line.strip():
            self.stop()
            raise RuntimeError("the server did not come up:\n" + (self.folder / "log").read_text()[-2000:])
        facts = json.loads(line)
        self.people = facts["people"]
        self.passwords = {p["address"]: p["app_password"] for p in self.people}
        for service, text in facts["addresses"].items():
            host, port = text.removeprefix("https://").rstrip("/").rsplit(":", 1)
            self.ports[service] = (host, int(port))

    def user(self, number: int) -> tuple[str, str]:
        address = f"u{number}@{DOMAIN}"
        return address, self.passwords[address]

    def data(self) -> pathlib.Path:
        return self.folder / "data"


class Dovecot(Server):
    """Debian's Dovecot: mdbox, TLS, its own default durability."""

    name = "Dovecot"
    durability = "mail_fsync = optimized, its default: a delivered message is synced"

    @staticmethod
    def missing() -> str:
        """Why it cannot be measured here; empty if it can."""
        if not _dovecot_program() or not shutil.which("openssl"):
            return "not installed (Debian: dovecot-imapd dovecot-lmtpd openssl)"
        if os.geteuid() != 0:
            return "needs root, for its processes run as users of their own"
        return ""

    def start(self):
        for name in ("run", "mail"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o755)
        (self.folder / "mail").chmod(0o777)
        self_signed(self.folder, "rsa:2048")
        # A port that was free may be taken by somebody else in between.
        for _ in range(3):
            imaps, lmtp = free_ports(2)
            (self.folder / "dovecot.conf").write_text(self._configuration(imaps, lmtp))
            command = [_dovecot_program(), "-F", "-c", str(self.folder / "dovecot.conf")]
            self.child = start(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            self.ports = {"imaps": ("127.0.0.1", imaps), "lmtp": ("127.0.0.1", lmtp)}
            if wait_for_ports(self.child, self.ports.values()):
                return
            self.stop()
        log = self.folder / "log"
        raise RuntimeError("Dovecot did not come up:\n" + (log.read_text()[-2000:] if log.exists() else ""))

    def _configuration(self, imaps: int, lmtp: int) -> str:
        top = self.folder
        return f"""
base_dir = {top}/run
state_dir = {top}/run
log_path = {top}/log
protocols = imap lmtp
listen = 127.0.0.1
ssl = yes
ssl_cert = <{top}/cert.pem
ssl_key = <{top}/key.pem
mail_location = mdbox:{top}/mail/%u
mail_plugins = acl
plugin {{
  acl = vfile
}}
mail_max_userip_connections = 0
lmtp_user_concurrency_limit = 10000
default_process_limit = 3000
default_client_limit = 6000
first_valid_uid = 1
passdb {{
  driver = static
  args = password=pw
}}
userdb {{
  driver = static
  args = uid=nobody gid=nogroup home={top}/mail/%u allow_all_users=yes
}}
service imap-login {{
  service_count = 0
  process_min_avail = 2
  client_limit = 3000
  process_limit = 8
  inet_listener imap {{
    port = 0
  }}
  inet_listener imaps {{
    port = {imaps}
    ssl = yes
  }}
}}
service imap {{
  process_limit = 3000
}}
service lmtp {{
  inet_listener lmtp {{
    port = {lmtp}
  }}
  process_min_avail = 4
  service_count = 0
}}
protocol lmtp {{
  postmaster_address = postmaster@{DOMAIN}
}}
"""

    def data(self) -> pathlib.Path:
        return self.folder / "mail"


class Radicale(Server):
    """Debian's Radicale, for the DAV rows."""

    name = "Radicale"
    durability = "filesystem_fsync = True, its default"

    @staticmethod
    def missing() -> str:
        return "" if shutil.which("radicale") else "not installed (Debian: radicale)"

    def start(self):
        self.folder.mkdir(exist_ok=True)
        (self.folder / "users").write_text("".join(f"u{n}@{DOMAIN}:pw\n" for n in range(1, 10)))
        for _ in range(3):
            (port,) = free_ports(1)
            (self.folder / "config").write_text(
                f"[server]\nhosts = 127.0.0.1:{port}\nmax_connections = 100\n"
                f"[auth]\ntype = htpasswd\nhtpasswd_filename = {self.folder}/users\nhtpasswd_encryption = plain\n"
                f"[storage]\nfilesystem_folder = {self.folder}/collections\n[logging]\nlevel = warning\n"
            )
            with open(self.folder / "log", "ab") as log:
                self.child = start([shutil.which("radicale"), "--config", str(self.folder / "config")], stdout=log, stderr=log)
            self.ports = {"http": ("127.0.0.1", port)}
            if wait_for_ports(self.child, self.ports.values()):
                return
            self.stop()
        raise RuntimeError("Radicale did not come up:\n" + (self.folder / "log").read_text()[-2000:])

    def data(self) -> pathlib.Path:
        return self.folder / "collections"


def _dovecot_program() -> str | None:
    return shutil.which("dovecot") or shutil.which("dovecot", path="/usr/sbin:/usr/local/sbin")


def self_signed(folder: pathlib.Path, key: str = "ec"):
    """A certificate for localhost and its key there, as cert.pem and key.pem, unless they are there already. `key`: as openssl names its kind."""
    if (folder / "key.pem").exists():
        return
    curve = ["-pkeyopt", "ec_paramgen_curve:P-256"] if key == "ec" else []
    request = ["req", "-x509", "-newkey", key, *curve, *"-nodes -days 2 -subj /CN=localhost -keyout key.pem -out cert.pem".split()]
    subprocess.run(["openssl", *request], check=True, capture_output=True, cwd=folder)


def free_ports(count: int) -> list[int]:
    """Ports of loopback that nobody has; below those that Linux gives to whoever connects, so that nobody gets one by chance meanwhile."""
    ports = []
    for port in random.sample(range(10_240, 32_768), 100 * count):
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            ports.append(port)
        if len(ports) == count:
            return ports
    raise OSError("no free ports")


def wait_for_ports(child: subprocess.Popen, addresses) -> bool:
    """Until it listens on all of them; false if it ended instead or took too long."""
    end = time.monotonic() + START_SECONDS
    waiting = list(addresses)
    while waiting and time.monotonic() < end and child.poll() is None:
        try:
            socket.create_connection(waiting[0], timeout=1).close()
            waiting.pop(0)
        except OSError:
            time.sleep(0.05)
    return not waiting


def wait_to_listen(child: subprocess.Popen, port: int) -> bool:
    """As `wait_for_ports`, on one of loopback and without connecting to it."""
    local, listening = f"0100007F:{port:04X}", "0A"
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and child.poll() is None:
        sockets = (line.split() for line in pathlib.Path("/proc/net/tcp").read_text().splitlines())
        if any((fields[1], fields[3]) == (local, listening) for fields in sockets):
            return True
        time.sleep(0.05)
    return False


def release_binary() -> pathlib.Path:
    """Build what users run, and say where it is."""
    return _release("--bin", "octroi") / "octroi"


def load_binary() -> pathlib.Path:
    """Build the generator of load, and say where it is."""
    return _release("--example", "load") / "examples" / "load"


def _release(*what: str) -> pathlib.Path:
    print(f"building {what[-1]} for release …", file=sys.stderr, flush=True)
    subprocess.run(["cargo", "build", "--release", "--locked", *what], cwd=ROOT, check=True)
    return pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "release"
