"""A front between workers and the server, as a load balancer would be: it passes requests on, and answers some itself."""

import http.server
import threading
import time

import requests

UNFORWARDED = {"connection", "transfer-encoding", "content-length", "content-encoding", "date", "server"}


class Front:
    """`refuse` makes it answer with a status of its own; `asked` says when requests with some text in their path came."""

    def __init__(self):
        self.server_url = ""
        self.refusals: dict[str, list] = {}  # text in the path -> [status, how many are left]
        self.requests: list[tuple[float, str, int]] = []  # when it came, path, status that it got
        self.lock = threading.Lock()
        front = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def handle_one(self):
                front.answer(self)

            do_GET = do_POST = handle_one

        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.http.server_port}"
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    def refuse(self, text: str, status: int, times: int = 1_000_000) -> None:
        with self.lock:
            self.refusals[text] = [status, times]

    def let_pass(self, text: str) -> None:
        with self.lock:
            self.refusals.pop(text, None)

    def asked(self, text: str, status: int | None = None) -> list[float]:
        with self.lock:
            return [at for at, path, got in self.requests if text in path and status in (None, got)]

    def close(self) -> None:
        self.http.shutdown()
        self.http.server_close()

    def answer(self, handler) -> None:
        came = time.monotonic()
        body = handler.rfile.read(int(handler.headers.get("content-length") or 0))
        status = self._refusal(handler.path)
        headers, content = {}, b""
        if status is None:
            status, headers, content = self._pass_on(handler, body)
        with self.lock:
            self.requests.append((came, handler.path, status))
        try:
            handler.send_response(status)
            for name, value in headers.items():
                handler.send_header(name, value)
            handler.send_header("Content-Length", str(len(content)))
            handler.end_headers()
            handler.wfile.write(content)
        except OSError:
            pass  # the worker has gone

    def _refusal(self, path: str) -> int | None:
        with self.lock:
            for text, refusal in self.refusals.items():
                if text in path and refusal[1] > 0:
                    refusal[1] -= 1
                    return refusal[0]
        return None

    def _pass_on(self, handler, body: bytes) -> tuple[int, dict, bytes]:
        headers = {name: value for name, value in handler.headers.items() if name.lower() not in ("host", "connection")}
        try:
            answer = requests.request(handler.command, self.server_url + handler.path, data=body, headers=headers, timeout=100)
        except requests.RequestException:
            return 503, {}, b""
        kept = {name: value for name, value in answer.headers.items() if name.lower() not in UNFORWARDED}
        return answer.status_code, kept, answer.content
