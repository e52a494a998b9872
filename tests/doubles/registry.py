"""A registry in memory, on loopback, that can be told to fail: the protocol of distribution-spec 1.1.

With and without the referrers API, with a password (Basic or Bearer), with tags that can be deleted or not.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import io
import json
import re
import threading
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

TLS_HANDSHAKE = b"\x16"
"""The first byte of a TLS connection."""
INDEX = "application/vnd.oci.image.index.v1+json"
WRITES = ("PUT", "POST", "PATCH", "DELETE")
TOKEN = "a-token-of-the-double"


@dataclass
class Fault:
    """What goes wrong with requests whose line (`PUT /v2/...`) matches."""

    match: str
    times: int = 1
    after: int = 0
    """Matching requests that are let through first."""
    status: int | None = None
    retry_after: str | None = None
    code: str = "TOOMANYREQUESTS"
    drop: bool = False
    """The connection is closed before the request is carried out."""
    late: bool = False
    """It is carried out, and then the connection is closed."""
    truncate: int | None = None
    """Of an answer, only so many bytes are sent."""
    hold: bool = False
    """It is not carried out, and not answered, until `let_go`."""


@dataclass
class FakeRegistry:
    referrers_api: bool = True
    login: tuple[str, str] | None = None
    bearer: bool = False
    page: int = 0
    """Items of one page of a list; 0: all."""
    chunk_least: int = 0
    port: int = 0
    blobs: dict[tuple[str, str], bytes] = field(default_factory=dict)
    manifests: dict[str, dict[str, tuple[str, bytes]]] = field(default_factory=dict)
    tag_names: dict[str, dict[str, str]] = field(default_factory=dict)
    uploads: dict[str, bytearray] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    log: list[str] = field(default_factory=list)
    headers_seen: list[str] = field(default_factory=list)
    scopes: list[list[str]] = field(default_factory=list)
    watch: Callable[[FakeRegistry], None] = lambda _: None
    """Called after each request that writes, under the lock."""
    lock: threading.RLock = field(default_factory=threading.RLock)
    held: threading.Event = field(default_factory=threading.Event)

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def writes(self) -> list[str]:
        return [line for line in self.log if line.startswith(WRITES)]

    def state(self) -> dict[str, Any]:
        """What a reader can see of it, to be compared."""
        with self.lock:
            return {
                "tags": {name: dict(tags) for name, tags in self.tag_names.items() if tags},
                "manifests": {name: sorted(found) for name, found in self.manifests.items() if found},
            }

    def snapshot(self) -> dict[str, Any]:
        """All that it holds, to be restored."""
        with self.lock:
            return {
                "blobs": dict(self.blobs),
                "manifests": {name: dict(found) for name, found in self.manifests.items()},
                "tag_names": {name: dict(found) for name, found in self.tag_names.items()},
            }

    def restore(self, snapshot: dict[str, Any]) -> None:
        """As it was then, with an empty log and nothing going wrong."""
        with self.lock:
            self.blobs = dict(snapshot["blobs"])
            self.manifests = {name: dict(found) for name, found in snapshot["manifests"].items()}
            self.tag_names = {name: dict(found) for name, found in snapshot["tag_names"].items()}
            self.uploads.clear()
            self.faults.clear()
            self.log.clear()
            self.watch = lambda _: None

    def fail(self, match: str, **how: Any) -> Fault:
        fault = Fault(match=match, **how)
        self.faults.append(fault)
        return fault

    def let_go(self) -> None:
        """Of requests that are held: nobody waits for their answers any more."""
        self.held.set()
        self.held = threading.Event()

    def referrers(self, repository: str, digest: str) -> list[dict[str, Any]]:
        found = []
        for name, (media_type, content) in self.manifests.get(repository, {}).items():
            document = json.loads(content)
            if (document.get("subject") or {}).get("digest") == digest:
                kind = document.get("artifactType") or document.get("config", {}).get("mediaType", "")
                found.append(
                    {
                        "mediaType": media_type,
                        "digest": name,
                        "size": len(content),
                        "artifactType": kind,
                        "annotations": document.get("annotations", {}),
                    }
                )
        return found


def sha(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 1 << 16
    registry: FakeRegistry
    late = False
    truncate: int | None = None

    def handle_one_request(self) -> None:
        """Tell a client that begins with TLS, as real registries do: Docker then goes on without, on this machine."""
        assert isinstance(self.rfile, io.BufferedReader)
        if self.rfile.peek(1)[:1] == TLS_HANDSHAKE:
            self.wfile.write(b"HTTP/1.0 400 Bad Request\r\n\r\nThis is HTTP without TLS.\n")
            self.close_connection = True
            return
        super().handle_one_request()

    def log_message(self, *_: Any) -> None:
        pass

    def answer(self, status: int, body: bytes = b"", /, **headers: str) -> None:
        if self.late:
            self.hang_up()
            return
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body if self.truncate is None else body[: self.truncate])
        if self.truncate is not None:
            self.hang_up()

    def hang_up(self) -> None:
        self.close_connection = True
        with contextlib.suppress(OSError):
            self.wfile.flush()
            self.connection.shutdown(2)

    def refuse(self, status: int, code: str, **headers: str) -> None:
        body = json.dumps({"errors": [{"code": code, "message": code.lower().replace("_", " ")}]}).encode()
        self.answer(status, body, Content_Type="application/json", **headers)

    def go(self) -> None:
        line = f"{self.command} {self.path}"
        assert "Transfer-Encoding" not in self.headers, "registries would read a body with a length in chunks"
        data = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.late, self.truncate = False, None
        registry = self.registry
        with registry.lock:
            registry.log.append(line)
            registry.headers_seen.append(self.headers.get("Authorization", ""))
            fault = self.fault(line)
        if fault and fault.hold:
            registry.held.wait(300)
            self.hang_up()
            return
        if fault and (fault.drop or (fault.status and not fault.late)):
            if fault.drop:
                self.hang_up()
                return
            headers = {"Retry_After": fault.retry_after} if fault.retry_after else {}
            self.refuse(fault.status or 500, fault.code, **headers)
            return
        if fault:
            self.late, self.truncate = fault.late, fault.truncate
        with registry.lock:
            parts = urlsplit(self.path)
            if parts.path == "/token":
                self.give_token(parse_qs(parts.query))
            elif self.allowed():
                self.route(parts.path, {key: values[-1] for key, values in parse_qs(parts.query).items()}, data)
                if self.command in WRITES:
                    registry.watch(registry)

    def fault(self, line: str) -> Fault | None:
        for fault in self.registry.faults:
            if not fault.times or not re.match(fault.match, line):
                continue
            if fault.after:
                fault.after -= 1
                continue
            fault.times -= 1
            return fault
        return None

    def allowed(self) -> bool:
        registry = self.registry
        given = self.headers.get("Authorization", "")
        if registry.login is None:
            return True
        if registry.bearer:
            if given == f"Bearer {TOKEN}":
                return True
            challenge = f'Bearer realm="http://{registry.host}/token",service="double",scope="repository:x:pull"'
        else:
            if given == _basic(registry.login):
                return True
            challenge = 'Basic realm="double"'
        self.refuse(401, "UNAUTHORIZED", WWW_Authenticate=challenge)
        return False

    def give_token(self, asked: dict[str, list[str]]) -> None:
        assert self.registry.login
        self.registry.scopes.append(asked.get("scope", []))
        if self.headers.get("Authorization", "") != _basic(self.registry.login):
            self.refuse(401, "UNAUTHORIZED")
            return
        self.answer(200, json.dumps({"token": TOKEN}).encode(), Content_Type="application/json")

    def route(self, path: str, query: dict[str, str], data: bytes) -> None:
        for pattern, act in (
            (r"/v2/", self.base),
            (r"/v2/(?P<name>.+)/tags/list", self.tags),
            (r"/v2/(?P<name>.+)/referrers/(?P<digest>sha256:\w+)", self.referrers),
            (r"/v2/(?P<name>.+)/manifests/(?P<reference>[^/]+)", self.manifest),
            (r"/v2/(?P<name>.+)/blobs/uploads/(?P<upload>[\w-]*)", self.upload),
            (r"/v2/(?P<name>.+)/blobs/(?P<digest>sha256:\w+)", self.blob),
        ):
            if found := re.fullmatch(pattern, path):
                act(query=query, data=data, **found.groupdict())
                return
        self.refuse(404, "NOT_FOUND")

    def base(self, **_: Any) -> None:
        self.answer(200, b"{}")

    def tags(self, name: str, query: dict[str, str], **_: Any) -> None:
        found = self.registry.tag_names.get(name)
        if not found:
            self.refuse(404, "NAME_UNKNOWN")
            return
        self.listed(f"/v2/{name}/tags/list", {"name": name}, "tags", sorted(found), query)

    def referrers(self, name: str, digest: str, query: dict[str, str], **_: Any) -> None:
        if not self.registry.referrers_api:
            self.refuse(404, "UNSUPPORTED")
            return
        found = self.registry.referrers(name, digest)
        self.listed(
            f"/v2/{name}/referrers/{digest}", {"schemaVersion": 2, "mediaType": INDEX}, "manifests", found, query
        )

    def listed(self, path: str, document: dict[str, Any], key: str, items: list[Any], query: dict[str, str]) -> None:
        at, page = int(query.get("at", 0)), self.registry.page or len(items) or 1
        headers = {"Link": f'<{path}?at={at + page}>; rel="next"'} if at + page < len(items) else {}
        body = json.dumps({**document, key: items[at : at + page]}).encode()
        self.answer(200, body, Content_Type="application/json", **headers)

    def manifest(self, name: str, reference: str, data: bytes, **_: Any) -> None:
        registry = self.registry
        manifests = registry.manifests.setdefault(name, {})
        tags = registry.tag_names.setdefault(name, {})
        by_digest = reference.startswith("sha256:")
        if self.command == "PUT":
            self.put_manifest(name, reference, data)
            return
        digest = reference if by_digest else tags.get(reference, "")
        if digest not in manifests:
            self.refuse(404, "MANIFEST_UNKNOWN")
        elif self.command in ("GET", "HEAD"):
            media_type, content = manifests[digest]
            self.answer(200, content, Content_Type=media_type, Docker_Content_Digest=digest)
        elif by_digest:
            del manifests[digest]
            registry.tag_names[name] = {tag: named for tag, named in tags.items() if named != digest}
            self.answer(202)
        else:
            self.refuse(400, "DIGEST_INVALID")

    def put_manifest(self, name: str, reference: str, data: bytes) -> None:
        registry = self.registry
        digest = sha(data)
        document = json.loads(data)
        if reference.startswith("sha256:") and reference != digest:
            self.refuse(400, "DIGEST_INVALID")
            return
        blobs = [one["digest"] for one in [*document.get("layers", []), *filter(None, [document.get("config")])]]
        children = [one["digest"] for one in document.get("manifests", [])]
        lacks = any((name, blob) not in registry.blobs for blob in blobs)
        lacks |= any(child not in registry.manifests[name] for child in children) and not reference.startswith(
            "sha256-"
        )
        if lacks:
            self.refuse(404, "MANIFEST_BLOB_UNKNOWN")
            return
        registry.manifests[name][digest] = (self.headers.get("Content-Type", ""), data)
        if not reference.startswith("sha256:"):
            registry.tag_names[name][reference] = digest
        subject = {"OCI_Subject": document["subject"]["digest"]} if "subject" in document else {}
        self.answer(201, b"", Docker_Content_Digest=digest, **(subject if registry.referrers_api else {}))

    def upload(self, name: str, upload: str, query: dict[str, str], data: bytes, **_: Any) -> None:
        registry = self.registry
        if self.command == "POST":
            mounted = (query.get("from", ""), query.get("mount", ""))
            if mounted in registry.blobs:
                registry.blobs[name, mounted[1]] = registry.blobs[mounted]
                self.answer(201, Location=f"/v2/{name}/blobs/{mounted[1]}")
                return
            upload = str(uuid.uuid4())
            registry.uploads[upload] = bytearray()
            least = {"OCI_Chunk_Min_Length": str(registry.chunk_least)} if registry.chunk_least else {}
            self.answer(202, b"", Location=f"/v2/{name}/blobs/uploads/{upload}?_state=x", Range="0-0", **least)
            return
        if upload not in registry.uploads:
            self.refuse(404, "BLOB_UPLOAD_UNKNOWN")
            return
        arrived = registry.uploads[upload]
        place = {"Location": f"/v2/{name}/blobs/uploads/{upload}?_state=y"}
        if self.command == "PATCH":
            start = int(self.headers["Content-Range"].partition("-")[0])
            if start != len(arrived):
                self.refuse(416, "RANGE_INVALID")
                return
            arrived += data
            self.answer(202, b"", Range=f"0-{max(len(arrived) - 1, 0)}", **place)
        elif self.command == "GET":
            self.answer(204, b"", Range=f"0-{max(len(arrived) - 1, 0)}", **place)
        else:
            arrived += data
            content = bytes(registry.uploads.pop(upload))
            if sha(content) != query["digest"]:
                self.refuse(400, "DIGEST_INVALID")
                return
            registry.blobs[name, query["digest"]] = content
            self.answer(201, Docker_Content_Digest=query["digest"])

    def blob(self, name: str, digest: str, **_: Any) -> None:
        content = self.registry.blobs.get((name, digest))
        if content is None:
            self.refuse(404, "BLOB_UNKNOWN")
        else:
            self.answer(200, content, Docker_Content_Digest=digest)


for _method in ("GET", "HEAD", *WRITES):
    setattr(_Handler, f"do_{_method}", _Handler.go)


def _basic(login: tuple[str, str]) -> str:
    return "Basic " + base64.b64encode(":".join(login).encode()).decode()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, *_: Any) -> None:
        """A client that hangs up is what is tested."""


@contextlib.contextmanager
def serving(registry: FakeRegistry) -> Iterator[FakeRegistry]:
    """On a free port of loopback, until the end of the `with`."""
    handler = type("Handler", (_Handler,), {"registry": registry})
    server = _Server(("127.0.0.1", registry.port), handler)
    registry.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield registry
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
