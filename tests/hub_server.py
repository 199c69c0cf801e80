"""A small Hugging Face hub on the loopback: the routes by which the unmodified client finds and downloads models."""

import hashlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit


class Hub:
    """A server of models, each a folder per branch; a commit is named by the content of its folder.

    Attributes:
        url: Its address, for `HF_ENDPOINT`.
        downloaded: The paths of the files that were downloaded, `owner/name/file`.
    """

    def __init__(self):
        self.models, self.gated, self.downloaded = {}, set(), []
        hub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_HEAD(self):
                self.answer(*hub.find(unquote(urlsplit(self.path).path).strip("/").split("/")))

            def do_GET(self):
                status, headers, body = hub.find(unquote(urlsplit(self.path).path).strip("/").split("/"))
                if "ETag" in headers:
                    hub.downloaded.append(headers["X-Path"])
                self.answer(status, headers, body)

            def answer(self, status, headers, body):
                self.send_response(status)
                for name, value in (headers | {"Content-Length": str(len(body))}).items():
                    self.send_header(name, value)
                self.end_headers()
                if self.command == "GET":
                    self.wfile.write(body)

            def log_message(self, *arguments):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def add(self, name, folder, branch="main"):
        """Serve a folder; the commit."""
        files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        content = b"".join(path.encode() + body for path, body in sorted(files.items()))
        commit = hashlib.sha1(content).hexdigest()
        self.models.setdefault(name, {})[branch] = self.models[name][commit] = commit, files
        return commit

    def find(self, parts):
        """Status, headers and body of the answer to a request."""
        is_api = parts[:2] == ["api", "models"]
        owner, name, *rest = parts[2:] if is_api else parts
        repo = f"{owner}/{name}"
        if repo in self.gated:
            return 403, {"X-Error-Code": "GatedRepo"}, b""
        if repo not in self.models:
            return 404, {"X-Error-Code": "RepoNotFound"}, b""
        route, revision, *path = rest or ["revision", "main"]
        if revision not in self.models[repo]:
            return 404, {"X-Error-Code": "RevisionNotFound"}, b""
        commit, files = self.models[repo][revision]
        if is_api and route == "revision":
            return 200, {}, json.dumps({"id": repo, "sha": commit, "siblings": []}).encode()
        if is_api and route == "tree" and not path:
            tree = [
                {"type": "file", "path": each, "size": len(body), "oid": hashlib.sha1(body).hexdigest()}
                for each, body in files.items()
            ]
            return 200, {}, json.dumps(tree).encode()
        file = "/".join(path)
        if route != "resolve" or file not in files:
            return 404, {"X-Error-Code": "EntryNotFound", "X-Repo-Commit": commit}, b""
        etag = f'"{hashlib.sha1(files[file]).hexdigest()}"'
        return 200, {"X-Repo-Commit": commit, "ETag": etag, "X-Path": f"{repo}/{file}"}, files[file]

    def close(self):
        self.server.shutdown()
        self.server.server_close()
