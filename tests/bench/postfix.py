"""Debian's Postfix as a server beside ours: an instance of its own (`postfix -c`), run as root."""

import os
import pathlib
import pwd
import shutil
import subprocess

from servers import DOMAIN, Server, free_ports, wait_for_ports

MESSAGE_BYTES = 10 * 1024


class Postfix(Server):
    """All at its defaults but for where it is and where the mail goes: lines of `main.cf`."""

    name = "Postfix"

    def __init__(self, folder: pathlib.Path, settings: str):
        super().__init__(folder)
        self.settings = settings

    @staticmethod
    def missing() -> str:
        if not all(shutil.which(program, path="/usr/sbin:/usr/bin:/sbin:/bin") for program in ("postfix", "smtp-source")):
            return "Postfix is not installed (Debian: postfix)"
        return "" if os.geteuid() == 0 else "needs root, for its processes run as users of their own"

    def start(self):
        etc, spool, lib = (self.folder / name for name in ("etc", "spool", "lib"))
        for path in (etc, spool, lib):
            path.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o755)
        user = pwd.getpwnam("postfix")
        os.chown(lib, user.pw_uid, user.pw_gid)
        master = pathlib.Path("/usr/share/postfix/master.cf.dist").read_text()
        (port,) = free_ports(1)
        kept = [line for line in master.splitlines() if not line.startswith("smtp      inet")]
        (etc / "master.cf").write_text("\n".join(kept) + f"\n127.0.0.1:{port} inet n - y - - smtpd\n")
        (etc / "main.cf").write_text(
            f"compatibility_level = 3.6\nqueue_directory = {spool}\ndata_directory = {lib}\nmyhostname = mail.{DOMAIN}\n"
            f"mydestination =\ninet_interfaces = 127.0.0.1\ninet_protocols = ipv4\n{self.settings}"
            f"alias_maps =\nalias_database =\nmaillog_file = {self.folder}/log\n"
            f"maillog_file_prefixes = {self.folder}\nmulti_instance_name = postfix-bench\nsyslog_name = postfix-bench\n"
            "import_environment = MAIL_CONFIG MAIL_DEBUG MAIL_LOGTAG TZ LANG=C\n"
        )
        self._run("postfix", "-c", str(etc), "start")
        self.ports = {"smtp": ("127.0.0.1", port)}
        pid = (spool / "pid" / "master.pid").read_text().strip()
        self.master = int(pid)
        if not wait_for_ports(_Alive(), self.ports.values()):
            raise RuntimeError("Postfix did not come up:\n" + (self.folder / "log").read_text()[-2000:])

    def _run(self, *command: str) -> str:
        ran = subprocess.run(command, capture_output=True, text=True)
        if ran.returncode != 0:
            raise RuntimeError(f"{' '.join(command)}: {ran.stdout}{ran.stderr}")
        return ran.stdout

    def waiting(self) -> bool:
        """Is anything in its queue?"""
        spool = self.folder / "spool"
        return any(next(os.scandir(path), None) for name in ("maildrop", "incoming", "active", "deferred") for path in _folders(spool / name))

    def stop(self):
        if self.ports:
            subprocess.run(["postfix", "-c", str(self.folder / "etc"), "stop"], capture_output=True)
            self.ports = {}


class _Alive:
    """Postfix's master puts itself into the background."""

    @staticmethod
    def poll():
        return None


def _folders(top: pathlib.Path) -> list[pathlib.Path]:
    """Those that hold files, with the hashed levels of `deferred` and the like."""
    below = [pathlib.Path(entry.path) for entry in os.scandir(top) if entry.is_dir()]
    return below or [top]


def load(server: Server, to: str, sessions: int, messages: int, seconds: float):
    """Bring so many messages over so many sessions at once, by Postfix's own generator."""
    host, port = server.address("smtp")
    command = ["smtp-source", "-d", "-s", str(sessions), "-m", str(messages), "-l", str(MESSAGE_BYTES), "-f", "load@outside.test", "-t", to]
    subprocess.run([*command, f"{host}:{port}"], check=True, timeout=seconds, capture_output=True)
