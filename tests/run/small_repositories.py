"""Small repositories of the kinds that users have, with a tiny framework in two versions.

Nothing comes from the network: the framework for Python lies in wheels beside the project, that
for Node is served by a registry of the test's own.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import io
import json
import subprocess
import tarfile
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

from bench.plans.starter import InitOptions, propose

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

VERSIONS = ("1.0.0", "1.1.0")
_NODE = """
const text = process.argv[2] || "hi";
const answer = (request, response) => response.end(request.url.length > 1 ? "more " + text : text);
const port = Number(process.env.PORT || 3000);
require("http").createServer(answer).listen(port, "127.0.0.1");
"""
_TINY = """
const answer = (request, response) => response.end("hi");
exports.serve = (port) => require("http").createServer(answer).listen(Number(port), "127.0.0.1");
"""
_LIBRARY = """
const http = require("http");
module.exports = class Koa {
  uses = [];
  use(use) { this.uses.push(use); }
  listen(port, host) {
    return http.createServer((request, response) => {
      const context = { path: request.url };
      for (const use of this.uses) use(context);
      response.end(context.body);
    }).listen(port, host);
  }
};
"""
_SERVE = """
import http.server


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self):
        body = b"Hello, World!"
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


def serve(port):
    http.server.ThreadingHTTPServer(("127.0.0.1", int(port)), Handler).serve_forever()
"""
_WEB = f"""{_SERVE}

class Response:
    def __init__(self, text):
        self.text = text


class Application:
    @property
    def router(self):
        return self

    def add_get(self, path, answer):
        pass


def run_app(app, host, port, access_log, print):
    serve(port)
"""
_BACKEND = """
import os, zipfile

HEAD = "Metadata-Version: 2.1\\nName: aiohttp\\nVersion: VERSION\\n"
KIND = "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n"


def build_editable(folder, config_settings=None, metadata_directory=None):
    name = "aiohttp-VERSION-py3-none-any.whl"
    info = "aiohttp-VERSION.dist-info/"
    with zipfile.ZipFile(os.path.join(folder, name), "w") as wheel:
        wheel.writestr("aiohttp.pth", os.getcwd())
        wheel.writestr(info + "METADATA", HEAD)
        wheel.writestr(info + "WHEEL", KIND)
        wheel.writestr(info + "RECORD", "")
    return name
"""


def git(folder: Path, *words: str) -> None:
    """Git with a name of its own."""
    who = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "init.defaultBranch=main"]
    subprocess.run(["git", *who, *words], cwd=folder, check=True, capture_output=True)


def write(folder: Path, files: dict[str, str]) -> None:
    """Write files, with their folders."""
    for place, text in files.items():
        (folder / place).parent.mkdir(parents=True, exist_ok=True)
        (folder / place).write_text(text)


def commit(folder: Path, *tags: str) -> None:
    """Commit all that is there, and name it."""
    if not (folder / ".git").exists():
        git(folder, "init", "-q")
    git(folder, "add", ".")
    git(folder, "commit", "-qm", "a commit")
    for tag in tags:
        git(folder, "tag", tag)


def scripts(folder: Path) -> None:
    """Scripts of Node that listen where PORT says, or on 3000."""
    write(folder, dict.fromkeys(("server.js", "a.js", "b.js"), _NODE))


def package(folder: Path) -> None:
    """A server in Node, as `npm init` leaves it."""
    write(folder, {"package.json": '{"main": "server.js"}', "server.js": _NODE})


def service(folder: Path) -> None:
    """A server in Python that uses the tiny framework; branches, tags, files of `bench init`."""
    app = "import os\nimport tinyweb\ntinyweb.serve(os.environ['PORT'])\n"
    write(folder, {"app.py": app, "requirements.txt": f"tinyweb=={VERSIONS[0]}\n"})
    files = propose(folder, InitOptions("mine")).files
    write(folder, {str(place): text for place, text in files.items()})
    other = (folder / "servers/mine/server.yaml").read_text()
    write(folder, {"servers/other/server.yaml": other, ".gitignore": ".venv/\n.build/\n"})
    commit(folder, "v1", "v1.0")
    git(folder, "checkout", "-qb", "my-branch")
    write(folder, {"app.py": f"{app}# changed\n"})
    commit(folder, "v2", "v2.0")
    git(folder, "checkout", "-q", "main")
    write(folder, {"app.py": f"{app}# not committed\n"})


def node_service(folder: Path) -> None:
    """The same in Node, with the registry's tiny framework."""
    app = "require('tinyweb').serve(process.env.PORT);\n"
    write(folder, {"server.js": app, ".gitignore": "node_modules/\n"})
    depends = {"main": "server.js", "dependencies": {"tinyweb": VERSIONS[0]}}
    write(folder, {"package.json": json.dumps(depends)})
    files = propose(folder, InitOptions("mine")).files
    write(folder, {str(place): text for place, text in files.items()})


def node_library(folder: Path) -> None:
    """The checkout of a framework for Node, with two releases; it has no program."""
    for version in VERSIONS:
        manifest = json.dumps({"name": "koa", "version": version, "main": "koa.js"})
        write(folder, {"package.json": manifest, "koa.js": f"{_LIBRARY}// {version}\n"})
        write(folder, {".gitignore": "node_modules/\n"})
        commit(folder, f"v{version}")


def python_library(folder: Path) -> None:
    """The checkout of a framework for Python, with two releases and a build of its own."""
    system = '[build-system]\nrequires = []\nbuild-backend = "own"\nbackend-path = ["."]\n'
    for version in VERSIONS:
        project = f'[project]\nname = "aiohttp"\nversion = "{version}"\n'
        own = _BACKEND.replace("VERSION", version)
        write(folder, {"pyproject.toml": system + project, "own.py": own})
        write(folder, {"aiohttp/__init__.py": "", "aiohttp/web.py": _WEB})
        write(folder, {".gitignore": "__pycache__/\n.venv/\n"})
        commit(folder, f"v{version}")


def wheels(folder: Path) -> dict[str, str]:
    """Wheels of the tiny framework, and the variables by which uv and pip take no others."""
    folder.mkdir()
    for version in VERSIONS:
        info = f"tinyweb-{version}.dist-info"
        head = f"Metadata-Version: 2.1\nName: tinyweb\nVersion: {version}\n"
        kind = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        with zipfile.ZipFile(folder / f"tinyweb-{version}-py3-none-any.whl", "w") as wheel:
            wheel.writestr("tinyweb.py", _SERVE)
            wheel.writestr(f"{info}/METADATA", head)
            wheel.writestr(f"{info}/WHEEL", kind)
            wheel.writestr(f"{info}/RECORD", "")
    place = str(folder)
    uv = {"UV_NO_INDEX": "1", "UV_FIND_LINKS": place}
    return {**uv, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": place, "PIP_CONFIG_FILE": "/dev/null"}


class Registry(BaseHTTPRequestHandler):
    """What npm asks: the versions of the tiny framework, and their archives."""

    def do_GET(self) -> None:
        """Answer with the document of the package, or with one of its archives."""
        version = next((one for one in VERSIONS if self.path.endswith(f"-{one}.tgz")), None)
        body = _archive(version) if version else self._document()
        self.send_response(200 if "tinyweb" in self.path else 404)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def _document(self) -> bytes:
        host = f"http://{self.headers['host']}/tinyweb/-/tinyweb-"
        known = {}
        for version in VERSIONS:
            digest = base64.b64encode(hashlib.sha512(_archive(version)).digest()).decode()
            dist = {"tarball": f"{host}{version}.tgz", "integrity": f"sha512-{digest}"}
            known[version] = {"name": "tinyweb", "version": version, "dist": dist}
        whole = {"name": "tinyweb", "dist-tags": {"latest": VERSIONS[-1]}, "versions": known}
        return json.dumps(whole).encode()


def _archive(version: str) -> bytes:
    manifest = json.dumps({"name": "tinyweb", "version": version})
    files = {"package/package.json": manifest, "package/index.js": _TINY}
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz", compresslevel=1) as archive:
        for name, text in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(text)
            archive.addfile(entry, io.BytesIO(text.encode()))
    data = bytearray(packed.getvalue())
    data[4:8] = bytes(4)  # the time of gzip's header: one archive each time
    return bytes(data)


@contextlib.contextmanager
def registry() -> Iterator[dict[str, str]]:
    """A registry for npm on this machine; the variables by which npm asks no other."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Registry) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            address = f"http://127.0.0.1:{server.server_port}/"
            yield {"npm_config_registry": address, "npm_config_audit": "false"}
        finally:
            server.shutdown()
            thread.join()
