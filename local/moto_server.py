"""moto's server with this project's patches; runs until its standard input ends.

`python -m local.moto_server --port N --calls-port M`: N is where it listens, on loopback, and M
where Step Functions' interpreter and the resource providers call the other services: the front
door's. It prints `listening on http://127.0.0.1:N` when it answers.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

# More than ever wait for one another: a stack's creation holds one while it calls moto itself.
MOST_REQUESTS = 1000


def main() -> None:
    """Serve until standard input ends, which it does when the parent dies, however it dies."""
    arguments = _arguments()
    os.environ["MOTO_PORT"] = str(arguments.calls_port)
    server = _server(arguments.port)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(f"listening on http://127.0.0.1:{arguments.port}", flush=True)
    sys.stdin.buffer.read()
    # Not sys.exit: executions and requests may hold threads.
    os._exit(0)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--calls-port", type=int, required=True)
    return parser.parse_args()


def _server(port: int):
    # moto reads MOTO_PORT while it is imported.
    from moto.core.config import default_user_config
    from moto.moto_server.werkzeug_app import (
        DomainDispatcherApplication,
        MotoRequestHandler,
        create_backend_app,
    )
    from werkzeug.serving import ThreadedWSGIServer

    from local.moto_patches import apply_all

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    default_user_config["stepfunctions"] = {"execute_state_machine": True}
    apply_all()
    threads = ThreadPoolExecutor(MOST_REQUESTS)

    class Server(ThreadedWSGIServer):
        """Answers in threads that are used again: to start one takes longer than many answers."""

        def process_request(self, request: Any, client_address: Any) -> None:
            threads.submit(self.process_request_thread, request, client_address)

    application = DomainDispatcherApplication(create_backend_app)
    return Server("127.0.0.1", port, application, MotoRequestHandler)


if __name__ == "__main__":
    main()
