"""Rows of documents over WebDAV, against Apache, and one of a calendar.

What is small is asked by `wrk`, what is big by `curl`, and neither is the bottleneck: both speak HTTP/1.1. Over HTTP/2 curl takes more of a
processor than the server, so that rows of it only compare.
"""

import base64
import contextlib
import os
import pathlib
import re
import socket
import ssl
import subprocess
import time
from dataclasses import dataclass, field

from clients import Refused
from rows import Row, timed
from servers import Octroi, Server, cpu_seconds, free_ports, self_signed, start, stop, wait_to_listen
from together import together

USER = 3
SMALL_BYTES = 16 * 1024
# Connections of the rows whose name says none.
CONNECTIONS = 8
# After which a connection that is kept and not used is looked at.
REST_SECONDS = 6
# What we aim at by ourselves, by row: at most.
OWN_AIMS = {"copy_big": 0.02, "propfind_10000_allprop": 0.06, "sync_one_change": 0.001, "sync_one_of_100000": 0.001, "idle_connection_kib": 16.0}
# Likewise, at least.
OWN_RATES = {"ctag_poll_8conn_per_s": 15_000}
# The same of what TLS, or TLS and the disk, allow: at least.
BOUND_AIM = 0.8
# How often what is allowed is measured; the best counts.
BOUND_ROUNDS = 5
SYNC = (
    '<?xml version="1.0"?><d:sync-collection xmlns:d="DAV:"><d:sync-token>%s</d:sync-token><d:sync-level>1</d:sync-level>'
    "<d:prop><d:getetag/></d:prop></d:sync-collection>"
)
SYNC_TOKEN = '<?xml version="1.0"?><d:propfind xmlns:d="DAV:"><d:prop><d:sync-token/></d:prop></d:propfind>'
# wrk's own language. Every document has a name of its own, so that none is written over; what it holds does not shrink.
PUT_SCRIPT = """
local number, name = 0, nil
local file = io.open("%(body)s", "rb")
local body = file:read("*a")
file:close()
local threads = 0
function setup(thread) threads = threads + 1; thread:set("mine", threads) end
function init(args) end
function request()
  number = number + 1
  local head = string.format("%%d-%%d-", mine, number)
  return wrk.format("PUT", "%(folder)s" .. "%(round)s-" .. head .. ".bin", nil, head .. body:sub(#head + 1))
end
"""
GET_SCRIPT = """
local number = 0
function request()
  number = (number + 7) %% %(count)d
  return wrk.format("GET", "%(folder)s" .. "small-" .. number .. ".bin")
end
"""
# As programs ask whether there is anything new in a calendar.
CTAG = (
    '<?xml version="1.0" encoding="UTF-8"?><A:propfind xmlns:A="DAV:"><A:prop><C:getctag xmlns:C="http://calendarserver.org/ns/"/>'
    "</A:prop></A:propfind>"
)
CTAG_SCRIPT = """
wrk.method, wrk.path, wrk.body = "PROPFIND", "%(calendar)s", '%(body)s'
wrk.headers["Depth"], wrk.headers["Content-Type"] = "0", "text/xml"
"""


@dataclass
class Sizes:
    seconds: int = 6
    small: int = 400
    big_mib: int = 256
    listed: int = 10_000
    many: int = 100_000
    idle: int = 1_000


@dataclass
class Documents:
    server: Server
    sizes: Sizes
    scratch: pathlib.Path
    results: dict[str, object] = field(default_factory=dict)
    rounds: int = 0
    # Microseconds of the server's processor time for one request, by what was asked: what a busy machine changes least.
    processor: dict[str, list[float]] = field(default_factory=dict)

    def forget_connections(self):
        pass

    @property
    def folder(self) -> str:
        address, _ = self.server.user(USER)
        return f"/dav/files/{address}/" if isinstance(self.server, Octroi) else "/files/"

    @property
    def base(self) -> str:
        host, port = self.server.address("https")
        return f"https://{host}:{port}"

    @property
    def authorization(self) -> str:
        address, password = self.server.user(USER)
        return "Authorization: Basic " + base64.b64encode(f"{address}:{password}".encode()).decode()

    def curl(self, *arguments: str) -> str:
        """One request; what `--write-out` says of it. Over HTTP/1.1, if these do not say otherwise."""
        return curl(*self.asking, *arguments)

    def seconds(self, *arguments: str) -> float:
        """How long one request took, without the making of the connection."""
        return curl_seconds(*self.asking, *arguments)

    @property
    def asking(self) -> list[str]:
        return ["--http1.1", "--fail-with-body", "-H", self.authorization]

    def wrk(self, what: str, script: str, connections: int) -> float:
        """Requests per second."""
        file = self.scratch / f"{self.server.name}.lua"
        file.write_text(script)
        threads = str(min(connections, 2))
        command = ["wrk", "-t", threads, "-c", str(connections), "-d", f"{self.sizes.seconds}s", "-H", self.authorization, "-s", str(file), self.base]
        before = cpu_seconds(self.server.pid())
        said = subprocess.run(command, capture_output=True, text=True).stdout
        taken = cpu_seconds(self.server.pid()) - before
        bad = re.search(r"Non-2xx or 3xx responses: (\d+)", said) or re.search(r"Socket errors: (.*)", said)
        if bad:
            raise Refused(f"wrk: {bad.group(0)}")
        self.processor.setdefault(what, []).append(taken * 1e6 / int(re.search(r"(\d+) requests in", said).group(1)))
        return float(re.search(r"Requests/sec:\s+([\d.]+)", said).group(1))

    def small(self) -> pathlib.Path:
        return file_of(self.scratch / "small.bin", SMALL_BYTES)

    def big(self) -> pathlib.Path:
        return file_of(self.scratch / "big.bin", self.sizes.big_mib << 20)


def file_of(path: pathlib.Path, octets: int) -> pathlib.Path:
    """A file that does not shrink, made once."""
    if not path.exists():
        with open(path, "wb") as file:
            for _ in range(0, octets, 1 << 20):
                file.write(os.urandom(min(octets, 1 << 20)))
    return path


def put_synced(side: Documents) -> float:
    """Both sides have a document on the disk before they say so."""
    if isinstance(side.server, Octroi):
        return put_small(side)
    if not (side.server.data() / "files" / side.server.synced).is_dir():
        raise Refused("its file system cannot keep a folder in sync")
    return put_in(side, f"{side.folder}{side.server.synced}/", "PUT into a folder kept in sync")


def put_small(side: Documents) -> float:
    """Each side as it is: ours on the disk before it says so."""
    return put_in(side, side.folder, "PUT")


def put_in(side: Documents, folder: str, what: str) -> float:
    side.rounds += 1
    return side.wrk(what, PUT_SCRIPT % {"body": side.small(), "folder": folder, "round": side.rounds}, CONNECTIONS)


def put_for_get(side: Documents):
    put_all(side, side.small(), [f"{side.base}{side.folder}small-{n}.bin" for n in range(side.sizes.small)])


def put_all(side: Documents, what: pathlib.Path, urls: list[str], number: int = 0):
    """Over one connection, one after the other: a list of transfers for curl."""
    config = side.scratch / f"{side.server.name}-{number}.curl"
    config.write_text("\n".join(f'upload-file = "{what}"\nurl = "{url}"\noutput = "/dev/null"' for url in urls))
    side.curl("-K", str(config))


def get_small(connections: int):
    def act(side: Documents) -> float:
        return side.wrk(f"GET on {connections}", GET_SCRIPT % {"count": side.sizes.small, "folder": side.folder}, connections)

    return act


def put_big(*options: str):
    return lambda side: side.sizes.big_mib / side.seconds(*options, "-T", str(side.big()), f"{side.base}{side.folder}big.bin")


def get_big(*options: str):
    return lambda side: side.sizes.big_mib / side.seconds(*options, f"{side.base}{side.folder}big.bin")


def copy_big(side: Documents) -> float:
    side.rounds += 1
    destination = f"Destination: {side.base}{side.folder}copy-{side.rounds}.bin"
    return side.seconds("-X", "COPY", "-H", destination, f"{side.base}{side.folder}big.bin")


def fill_listed(side: Documents):
    fill(side, "listed", side.sizes.listed)


def fill(side: Documents, name: str, count: int):
    folder = f"{side.base}{side.folder}{name}/"
    side.curl("-X", "MKCOL", folder)
    little = file_of(side.scratch / "little.bin", 100)
    urls = [f"{folder}document-{n}.bin" for n in range(count)]
    together(lambda first: put_all(side, little, urls[first::CONNECTIONS], first), range(CONNECTIONS), CONNECTIONS)


def list_all(side: Documents) -> float:
    return side.seconds("-X", "PROPFIND", "-H", "Depth: 1", f"{side.base}{side.folder}listed/")


def fill_many(side: Documents):
    """More than one would list. Where nobody can tell what changed among them, they are not made."""
    if isinstance(side.server, Octroi):
        fill(side, "many", side.sizes.many)


def sync_one(folder: str):
    """One change among all that are there, as a program asks that looks again and again."""
    return lambda side: sync_in(side, f"{side.base}{side.folder}{folder}/")


def sync_in(side: Documents, folder: str) -> float:
    if not isinstance(side.server, Octroi):
        raise Refused("no sync-collection")
    # Asked of the folder: a first sync of many ends before it has told all, and its token with it.
    asking = ["-X", "PROPFIND", "-H", "Depth: 0", "--data", SYNC_TOKEN]
    said = subprocess.run(["curl", "-sk", "-H", side.authorization, *asking, folder], capture_output=True, text=True).stdout
    token = re.findall(r"sync-token[^>]*>([^<]+)<", said)
    if not token:
        raise Refused("no sync-token")
    side.curl("-T", str(side.small()), folder + "document-7.bin")
    file = side.scratch / "sync.xml"
    file.write_text(SYNC % token[-1])
    asked = 20
    one = f'url = "{folder}"\nrequest = "REPORT"\ndata = "@{file}"\noutput = "/dev/null"\nwrite-out = "%{{time_total}}\\n"'
    config = side.scratch / "sync.curl"
    config.write_text("\n".join([one] * 1 + [f"next\ninsecure\nsilent\nheader = \"{side.authorization}\"\n{one}"] * (asked - 1)))
    ran = subprocess.run(["curl", "-sk", "-H", side.authorization, "-K", str(config)], capture_output=True, text=True)
    times = sorted(float(line) for line in ran.stdout.split())
    return times[len(times) // 2]


def ctag_poll(side: Documents) -> float:
    """One calendar is asked for its tag again and again, over connections that are kept."""
    if not isinstance(side.server, Octroi):
        raise Refused("no calendars")
    address, _ = side.server.user(USER)
    calendar = f"/dav/calendars/{address}/calendar/"
    command = ["curl", "-sk", "-H", side.authorization, "-H", "Depth: 0", "-X", "PROPFIND", "--data", CTAG, side.base + calendar]
    said = subprocess.run(command, capture_output=True, text=True).stdout
    if not re.search(r"<CS:getctag>[^<]", said):
        raise Refused("no getctag")
    return side.wrk("PROPFIND of a getctag", CTAG_SCRIPT % {"calendar": calendar, "body": CTAG}, CONNECTIONS)


def idle_kib(side: Documents) -> float:
    """What a connection that has asked once and stays open takes in KiB, the memory of all processes of the server together."""
    address = side.server.address("https")
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    ask = f"OPTIONS {side.folder} HTTP/1.1\r\nHost: localhost\r\n{side.authorization}\r\n\r\n".encode()

    def opened() -> ssl.SSLSocket:
        connection = context.wrap_socket(socket.create_connection(address), server_hostname="localhost")
        connection.sendall(ask)
        if not connection.recv(4096).startswith(b"HTTP/1.1 200"):
            raise Refused("OPTIONS")
        return connection

    kept = [opened() for _ in range(50)]
    side.server.settle()
    before = pss_kib(side.server.pid())
    kept += [opened() for _ in range(side.sizes.idle)]
    side.server.settle()
    time.sleep(REST_SECONDS)
    taken = pss_kib(side.server.pid()) - before
    for connection in kept:
        connection.close()
    return taken / side.sizes.idle


def pss_kib(pid: int) -> int:
    """The proportional set size of a process and of what it has started."""
    total = int(re.search(r"^Pss:\s+(\d+)", pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text(), re.M).group(1))
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            total += pss_kib(int(child))
    return total


def document_rows() -> list[Row]:
    return [
        Row("put_16k_8conn_per_s", put_synced, (">=", 3), rounds=3),
        Row("put_16k_8conn_as_is_per_s", put_small, rounds=3),
        Row("get_16k_1conn_per_s", get_small(1), (">=", 1), rounds=3, prepare=put_for_get),
        Row("get_16k_8conn_per_s", get_small(CONNECTIONS), (">=", 1), rounds=3),
        Row("put_big_mib_per_s", put_big(), rounds=5),
        Row("put_big_http2_mib_per_s", put_big("--http2"), rounds=5),
        Row("get_big_mib_per_s", get_big(), rounds=5),
        Row("get_big_http2_mib_per_s", get_big("--http2"), rounds=5),
        Row("copy_big", copy_big, rounds=3),
        Row("propfind_10000_allprop", list_all, rounds=3, prepare=fill_listed),
        Row("sync_one_change", sync_one("listed"), rounds=3),
        Row("sync_one_of_100000", sync_one("many"), rounds=3, prepare=fill_many),
        Row("ctag_poll_8conn_per_s", ctag_poll, rounds=3),
        Row("idle_connection_kib", idle_kib),
    ]


def own_aims(figures: dict[str, float | None], allowed: dict[str, float]) -> list[str]:
    """A line for each aim that needs no other server."""
    big = {"get_big_mib_per_s": allowed["tls down"], "put_big_mib_per_s": min(allowed["tls up"], allowed["disk"])}
    least = OWN_RATES | {name: BOUND_AIM * bound for name, bound in big.items()}
    said = []
    for name, aim, reached in [*((n, a, float.__le__) for n, a in OWN_AIMS.items()), *((n, a, float.__ge__) for n, a in least.items())]:
        figure = figures.get(name)
        if figure is not None:
            said.append(f"{name}: {figure:.4g}, aim {'<=' if reached is float.__le__ else '>='} {aim:.4g}: {'yes' if reached(figure, aim) else 'no'}")
    return said


def bounds(scratch: pathlib.Path, sizes: Sizes) -> dict[str, float]:
    """What this machine allows in MiB a second: TLS alone (`openssl s_server`) both ways, and the disk alone (written and synced)."""
    big = file_of(scratch / "big.bin", sizes.big_mib << 20)
    octets = big.read_bytes()

    def write():
        with open(scratch / "written.bin", "wb") as file:
            file.write(octets)
            file.flush()
            os.fdatasync(file.fileno())

    self_signed(scratch)
    disk = max(sizes.big_mib / timed(write) for _ in range(BOUND_ROUNDS))
    return {"disk": disk, "tls down": tls_down(scratch, sizes), "tls up": tls_up(scratch, sizes)}


def tls_down(scratch: pathlib.Path, sizes: Sizes) -> float:
    with s_server(scratch, "-WWW") as base:
        return max(sizes.big_mib / curl_seconds("--http1.0", f"{base}big.bin") for _ in range(BOUND_ROUNDS))


def tls_up(scratch: pathlib.Path, sizes: Sizes) -> float:
    """What comes is thrown away. The answer is sent at the beginning: curl goes on sending nevertheless."""

    def rate() -> float:
        with s_server(scratch, "-quiet", said=b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n") as base:
            return sizes.big_mib / curl_seconds("--http1.1", "--max-time", "60", "-H", "Expect:", "-T", str(scratch / "big.bin"), f"{base}big.bin")

    return max(rate() for _ in range(BOUND_ROUNDS))


@contextlib.contextmanager
def s_server(scratch: pathlib.Path, *options: str, said: bytes = b""):
    """OpenSSL's own server, and its base; the first client is told what is to be `said`."""
    (port,) = free_ports(1)
    command = ["openssl", "s_server", *options, "-accept", f"127.0.0.1:{port}", "-key", "key.pem", "-cert", "cert.pem"]
    server = start(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=scratch)
    try:
        # Not by connecting: whoever connects first is told.
        if not wait_to_listen(server, port):
            raise Refused("openssl s_server did not come up")
        server.stdin.write(said)
        server.stdin.flush()
        yield f"https://127.0.0.1:{port}/"
    finally:
        stop(server)


def curl(*arguments: str) -> str:
    """What curl says of a request, which must succeed; not what is answered."""
    ran = subprocess.run(["curl", "-sk", "-o", "/dev/null", *arguments], capture_output=True, text=True)
    if ran.returncode != 0:
        raise Refused(f"curl: {ran.returncode} {ran.stderr[-200:]}")
    return ran.stdout


def curl_seconds(*arguments: str) -> float:
    """How long a transfer took, without the making of the connection."""
    total, connected = curl("-w", "%{time_total} %{time_appconnect}", *arguments).split()
    return float(total) - float(connected)
