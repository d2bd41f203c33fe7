"""The service on a real socket, in a thread of the test's process: its networks are open already."""

import contextlib
import socket
import threading
from collections.abc import Iterator

import uvicorn

from indexer.cli.server.commands import PROTOCOL
from indexer.settings import Settings
from service.app import create_app
from tests.support.home import ready, wait_for


@contextlib.contextmanager
def served(settings: Settings) -> Iterator[str]:
    """Address of a server that is ready, without a slash at its end."""
    config = uvicorn.Config(
        create_app(settings),
        http=PROTOCOL,
        ws="none",
        proxy_headers=False,
        log_config=None,
        timeout_graceful_shutdown=5,
    )
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        address = "http://{}:{}".format(*listening.getsockname())
        try:
            wait_for(lambda: not thread.is_alive() or (server.started and ready(address)))
            assert thread.is_alive(), "the server has not started"
            yield address
        finally:
            server.should_exit = True
            thread.join()
