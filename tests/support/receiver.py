"""A receiver of webhooks: a real HTTP(S) server that writes down what it gets and answers as the test says."""

import json
import ssl
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from penstock import wait_for


class Received:
    def __init__(self, handler: BaseHTTPRequestHandler, body: bytes):
        self.at = time.monotonic()
        self.method = handler.command
        self.path = handler.path
        self.headers = dict(handler.headers.items())
        self.raw = body
        self.json = json.loads(body) if body else None
        self.delivery = self.headers.get("X-Penstock-Delivery")


class Receiver:
    """Listens from start() to stop(); a restarted one has the same port. `answers` are the statuses of the first requests,
    the last one goes on; None as a status never answers."""

    def __init__(self, answers=(200,), certificate: tuple | None = None, headers: dict | None = None):
        self.answers = list(answers)
        self.headers = headers or {}
        self.certificate = certificate
        self.received: list[Received] = []
        self.port = 0
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._server: ThreadingHTTPServer | None = None

    def start(self) -> "Receiver":
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                status = receiver.take(Received(self, body))
                if status is None:
                    receiver._ended.wait(30)
                    self.close_connection = True
                    return
                self.send_response(status)
                for name, value in receiver.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", "0")
                self.end_headers()

            do_GET = do_POST

            def log_message(self, *_):
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_):
                pass  # a client that breaks off is what some tests are about

        self._ended.clear()
        self._server = Server(("127.0.0.1", self.port), Handler)
        self.port = self._server.server_address[1]
        if self.certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*self.certificate)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def stop(self) -> None:
        if self._server:
            self._ended.set()
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def take(self, request: Received):
        with self._lock:
            self.received.append(request)
            return self.answers[min(len(self.received), len(self.answers)) - 1]

    def url(self, path: str = "/hook", host: str = "127.0.0.1") -> str:
        return f"{'https' if self.certificate else 'http'}://{host}:{self.port}{path}"

    def wait(self, count: int = 1, timeout: float = 30) -> list[Received]:
        wait_for(lambda: len(self.received) >= count, timeout, f"{count} webhooks")
        return self.received

    def __enter__(self) -> "Receiver":
        return self.start()

    def __exit__(self, *_) -> None:
        self.stop()
