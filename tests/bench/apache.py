"""Debian's Apache with mod_dav as a server beside ours: a configuration of its own, over TLS, run as root."""

import base64
import hashlib
import os
import pathlib
import pwd
import shutil
import subprocess

from servers import DOMAIN, Server, free_ports, self_signed, start, wait_for_ports

MODULES = pathlib.Path("/usr/lib/apache2/modules")
PROGRAM_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
# What mod_dav with a password over TLS asks for.
LOADED = (
    "mpm_event", "authn_core", "authn_file", "authz_core", "authz_user", "auth_basic", "socache_shmcb", "ssl", "http2", "dav", "dav_fs", "dav_lock",
)


class Apache(Server):
    """The event module at its defaults; one password for all, hashed by SHA-1, the cheapest that it can check."""

    name = "Apache"
    durability = "a document is not synced, as mod_dav_fs leaves that to the kernel, but in a folder that the file system keeps in sync (`chattr +S`)"
    # Of the folders: the one in which every write is on the disk before it is done. All that who runs an Apache can ask for.
    synced = "synced"

    @staticmethod
    def missing() -> str:
        if not shutil.which("apache2", path=PROGRAM_PATH) or not MODULES.is_dir() or not shutil.which("openssl"):
            return "not installed (Debian: apache2-bin openssl)"
        return "" if os.geteuid() == 0 else "needs root, for its processes run as a user of their own"

    def start(self):
        web, state = self.folder / "web", self.folder / "state"
        folders = (web / "files", web / "files" / self.synced, state)
        for path in folders:
            path.mkdir(parents=True, exist_ok=True)
        if subprocess.run(["chattr", "+S", str(folders[1])], capture_output=True).returncode != 0:
            folders[1].rmdir()
            folders = (folders[0], state)
        self.folder.chmod(0o755)
        user = pwd.getpwnam("www-data")
        for path in (web, *folders):
            os.chown(path, user.pw_uid, user.pw_gid)
        self_signed(self.folder)
        hashed = base64.b64encode(hashlib.sha1(b"pw").digest()).decode()
        (self.folder / "users").write_text("".join(f"u{n}@{DOMAIN}:{{SHA}}{hashed}\n" for n in range(1, 10)))
        (port,) = free_ports(1)
        (self.folder / "httpd.conf").write_text(self._configuration(port))
        command = [shutil.which("apache2", path=PROGRAM_PATH), "-D", "FOREGROUND", "-f", str(self.folder / "httpd.conf")]
        self.child = start(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.ports = {"https": ("127.0.0.1", port)}
        if not wait_for_ports(self.child, self.ports.values()):
            log = self.folder / "log"
            raise RuntimeError("Apache did not come up:\n" + (log.read_text()[-2000:] if log.exists() else ""))

    def _configuration(self, port: int) -> str:
        top = self.folder
        loaded = "\n".join(f"LoadModule {name}_module {MODULES}/mod_{name}.so" for name in LOADED)
        return f"""
{loaded}
ServerRoot {top}
ServerName localhost
Protocols h2 http/1.1
Listen 127.0.0.1:{port} https
PidFile {top}/pid
ErrorLog {top}/log
User www-data
Group www-data
Mutex file:{top}/state
DocumentRoot {top}/web
KeepAliveTimeout 600
MaxKeepAliveRequests 0
SSLSessionCache shmcb:{top}/state/sessions(512000)
DavLockDB {top}/state/locks
<VirtualHost 127.0.0.1:{port}>
  SSLEngine on
  SSLCertificateFile {top}/cert.pem
  SSLCertificateKeyFile {top}/key.pem
  <Directory {top}/web>
    Dav On
    DavDepthInfinity Off
    AuthType Basic
    AuthName bench
    AuthBasicProvider file
    AuthUserFile {top}/users
    Require valid-user
  </Directory>
</VirtualHost>
"""

    def data(self) -> pathlib.Path:
        return self.folder / "web"
