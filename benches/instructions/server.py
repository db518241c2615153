"""A server of this package, and the requests it is sent over one connection."""

import itertools
import json
import os
import socket
import subprocess
from pathlib import Path

HERE = Path(__file__).resolve().parent
SAMPLES = HERE.parents[1] / "sample-payloads"


def build():
    """Builds the servers, and says where they are."""
    subprocess.run(["cargo", "build", "--quiet", "--release"], cwd=HERE, check=True)
    metadata = subprocess.run(
        ["cargo", "metadata", "--format-version=1", "--no-deps"],
        cwd=HERE, check=True, capture_output=True,
    )
    return Path(json.loads(metadata.stdout)["target_directory"]) / "release"


class Server:
    """A running server, ended with the block."""

    def __init__(self, command):
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.address = ("127.0.0.1", int(self.process.stdout.readline()))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.communicate()

    def resident_bytes(self):
        pages = Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")


class Connection:
    """A keep-alive connection."""

    def __init__(self, server):
        self.socket = socket.create_connection(server.address)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self, requests, times=1):
        """Sends one request, or several in turn, so many times in all."""
        requests = itertools.cycle([requests] if isinstance(requests, bytes) else requests)
        for request in itertools.islice(requests, times):
            self.socket.sendall(request)
            answer = b""
            while b"\r\n\r\n" not in answer:
                answer += self._receive()
            head, _, body = answer.partition(b"\r\n\r\n")
            if not head.startswith(b"HTTP/1.1 200 "):
                raise RuntimeError(head.decode("latin-1"))
            length = int(head.lower().partition(b"content-length: ")[2].split()[0])
            while len(body) < length:
                body += self._receive()

    def _receive(self):
        received = self.socket.recv(65536)
        if not received:
            raise RuntimeError("the server hung up")
        return received


def post(path, body, content_type="application/json"):
    head = (
        f"POST {path} HTTP/1.1\r\nHost: example.com\r\nAuthorization: my-token\r\n"
        f"Content-Type: {content_type}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def get(url):
    return f"GET {url} HTTP/1.1\r\nHost: example.com\r\n\r\n".encode()


def sample(name):
    return (SAMPLES / name).read_bytes()


def turns(path):
    """More messages of one conversation than are remembered, so that each is a turn."""
    message = json.loads(sample("bot/message.json"))
    return [post(path, compact({**message, "timestamp": time})) for time in range(16)]


def long_chat(size):
    """The documented chat, with its transcript said again until it has this many bytes."""
    chat = json.loads(sample("integration/chat.json"))
    transcript = chat["transcripts"]
    chat["transcripts"] = transcript * (size // len(compact(transcript)))
    return compact(chat)


def compact(value):
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
