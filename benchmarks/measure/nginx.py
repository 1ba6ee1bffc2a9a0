# SPDX-License-Identifier: AGPL-3.0-or-later
"""Debian's nginx as an expert would set it up to serve files, plain and with TLS 1.3."""
import contextlib
import os
import socket
import subprocess
from pathlib import Path

from kadenza import free_port, wait_until

CONFIG = """\
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log error;
worker_processes auto;
worker_rlimit_nofile 16384;
events {{ worker_connections 8192; }}
http {{
  access_log off;
  sendfile on;
  tcp_nodelay on;
  keepalive_requests 100000000;
  open_file_cache max=1000 inactive=1h;
  types {{ audio/mpeg mp3; audio/flac flac; }}
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  ssl_certificate {certificate};
  ssl_certificate_key {key};
  ssl_protocols TLSv1.3;
  ssl_session_cache shared:tls:4m;
  server {{
    listen 127.0.0.1:{plain} reuseport backlog=4096;
    listen 127.0.0.1:{secure} ssl reuseport backlog=4096;
    root {root};
  }}
}}
"""


def make_certificate(folder):
    certificate, key = Path(folder, "cert.pem"), Path(folder, "key.pem")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                    "-keyout", key, "-out", certificate, "-days", "2", "-subj", "/CN=localhost",
                    "-addext", "subjectAltName=IP:127.0.0.1"], check=True, capture_output=True)
    return certificate, key


@contextlib.contextmanager
def serving(folder, root, certificate, key):
    """Runs nginx over the files of `root`; gives (plain URL, TLS URL)."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    plain, secure = free_port(), free_port()
    config = folder / "nginx.conf"
    config.write_text(CONFIG.format(folder=folder, root=root, plain=plain, secure=secure, certificate=certificate,
                                    key=key))
    # As root, nginx's workers become another user, who could not read these folders.
    process = subprocess.Popen(["nginx", "-c", config, "-p", folder, "-e", folder / "error.log",
                                *(["-g", "user root;"] if _is_root() else [])], stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: _accepts(plain) and _accepts(secure), "nginx listens")
        yield f"http://127.0.0.1:{plain}", f"https://127.0.0.1:{secure}"
    finally:
        process.terminate()
        process.wait(20)


def _is_root():
    return os.geteuid() == 0


def _accepts(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
