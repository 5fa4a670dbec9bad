"""A server on loopback that answers as it is told, byte by byte, also against the protocol."""

import socketserver
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

Request = dict[str, str]  # the header; "": the first line
Piece = bytes | float  # what is sent, or the seconds to wait
Answer = Callable[[Request], Iterable[Piece]]


class Server(NamedTuple):
    """Where the server is, and what it was asked."""

    url: str
    requests: list[Request]


@contextmanager
def answering(*answers: Answer) -> Iterator[Server]:
    """Answer each request by the next of `answers`, and all others by the last one."""
    requests: list[Request] = []
    stopped = threading.Event()

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            first, *lines = iter(lambda: self.rfile.readline().decode().rstrip(), "")
            request = {"": first} | dict(line.split(": ", 1) for line in lines)
            requests.append(request)
            answer = answers[min(len(requests), len(answers)) - 1]
            try:
                for piece in answer(request):
                    if stopped.is_set():
                        return
                    if isinstance(piece, bytes):
                        self.wfile.write(piece)
                    else:
                        time.sleep(piece)
            except OSError:
                pass  # the client is gone

    class Threads(socketserver.ThreadingTCPServer):
        daemon_threads = True

    with Threads(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield Server(f"http://127.0.0.1:{server.server_address[1]}", requests)
        stopped.set()
        server.shutdown()


def message(status: int, body: bytes = b"", **headers: str) -> bytes:
    """Return an answer. Without a `Content_Length` of its own it has the right one; "" omits it."""
    headers = {"Content_Length": str(len(body))} | headers
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in headers.items() if value]
    return "\r\n".join([f"HTTP/1.1 {status} Any", *lines, "", ""]).encode("latin-1") + body


def sending(*pieces: Piece) -> Answer:
    """Return an answer that does not depend on the request."""
    return lambda request: pieces
