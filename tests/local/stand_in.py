"""A front door of a few lines: Lambda functions are Python functions, the rest goes to moto."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote

Function = Callable[[Any], Any]


class FunctionError(Exception):
    """Raised by a function: the answer that Lambda gives for an error of this type."""

    def __init__(self, error_type: str, message: str):
        super().__init__(message)
        self.error_type = error_type


class StandIn:
    """Serves on a free loopback port; `functions` by name, `events` as they were put.

    A call gets no answer if its target, path or body contains a member of `broken`.
    """

    def __init__(self, moto_port: int, port: int):
        self.moto_port = moto_port
        self.functions: dict[str, Function] = {}
        self.requests: list[tuple[str, Any]] = []
        self.events: list[dict[str, Any]] = []
        self.events_came = threading.Condition()
        self.broken: set[str] = set()
        self.answered: list[str] = []
        handler = type("Handler", (_Handler,), {"door": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", port), handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        """Serve no more."""
        self._server.shutdown()
        self._server.server_close()

    def await_event(self, accept: Callable[[dict[str, Any]], bool], timeout: float = 20) -> Any:
        """The first event put on the bus that `accept` takes."""

        def found() -> Any:
            return next((event for event in self.events if accept(event)), None)

        with self.events_came:
            assert self.events_came.wait_for(found, timeout), self.events[-3:]
            return found()

    def await_call(self, target: str, timeout: float = 20) -> None:
        """Return once moto has answered a call of `target`, such as `UpdateItem`."""

        def answered() -> bool:
            return any(target in call for call in self.answered)

        with self.events_came:
            assert self.events_came.wait_for(answered, timeout), self.answered

    def answered_to(self, call: str) -> None:
        """Note an answer for those who await it."""
        with self.events_came:
            self.answered.append(call)
            self.events_came.notify_all()


class _Handler(BaseHTTPRequestHandler):
    door: StandIn
    protocol_version = "HTTP/1.1"

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        call = f"{self.headers.get('X-Amz-Target')} {self.path} {body.decode('latin-1')}"
        if self.path == "/_local/events":
            self._keep_event(json.loads(body)["event"])
        elif any(part in call for part in self.door.broken):
            self.close_connection = True
        elif self.path.endswith("/invocations"):
            self._invoke(unquote(self.path.split("/")[3]).rsplit(":", 1)[-1], json.loads(body))
        else:
            self._forward(body)

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = _serve

    def _keep_event(self, event: dict[str, Any]) -> None:
        with self.door.events_came:
            self.door.events.append(event)
            self.door.events_came.notify_all()
        self._answer(200, {}, b"{}")

    def _invoke(self, name: str, payload: Any) -> None:
        self.door.requests.append((name, payload))
        self.door.answered_to(f"Invoke {name}")
        function = next(f for key, f in self.door.functions.items() if key in name)
        try:
            self._answer(200, {}, json.dumps(function(payload)).encode())
        except FunctionError as error:
            answer = {"errorType": error.error_type, "errorMessage": str(error)}
            headers = {"X-Amz-Function-Error": "Unhandled"}
            self._answer(200, headers, json.dumps(answer).encode())

    def _forward(self, body: bytes) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.door.moto_port, timeout=60)
        connection.request(self.command, self.path, body, dict(self.headers.items()))
        answer = connection.getresponse()
        content = answer.read()
        self.door.answered_to(self.headers.get("X-Amz-Target", self.path))
        dropped = ("connection", "content-length", "date", "server", "transfer-encoding")
        headers = {k: v for k, v in answer.getheaders() if k.lower() not in dropped}
        self._answer(answer.status, headers, content)
        connection.close()

    def _answer(self, status: int, headers: dict[str, str], content: bytes) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: the tests read `requests`."""
