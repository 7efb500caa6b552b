"""A client that speaks the PostgreSQL protocol by hand, for what pgbench cannot do: hundreds of sessions that stay, exact
numbers of statements, a result that is read as bytes. Standard library only."""

import base64
import hashlib
import hmac
import os
import socket
import struct

READY = b"Z\0\0\0\x05"


class Failed(RuntimeError):
    """The server answered with an error."""


def message(tag, body=b""):
    return tag + struct.pack("!I", len(body) + 4) + body


class Client:
    """One session. `receive_bytes` shrinks the buffer of the socket, to be a slow reader."""

    def __init__(self, port, user, password, database="bench", receive_bytes=None):
        self.socket = socket.socket()
        if receive_bytes:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        self.socket.settimeout(120)
        self.socket.connect(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = bytearray()
        self._log_in(user, password, database)

    def _log_in(self, user, password, database):
        words = b"".join(word.encode() + b"\0" for word in ("user", user, "database", database)) + b"\0"
        self.socket.sendall(struct.pack("!II", len(words) + 8, 196608) + words)
        first = None
        while True:
            tag, body = self._message()
            if tag == b"E":
                raise Failed(words_of(body))
            if tag == b"Z":
                return
            if tag != b"R":
                continue
            step = struct.unpack("!I", body[:4])[0]
            if step == 10:
                first = "n=,r=" + base64.b64encode(os.urandom(18)).decode()
                data = ("n,," + first).encode()
                self.socket.sendall(message(b"p", b"SCRAM-SHA-256\0" + struct.pack("!I", len(data)) + data))
            elif step == 11:
                self.socket.sendall(message(b"p", scram_answer(password, first, body[4:].decode())))
            elif step not in (0, 12):
                raise Failed(f"authentication {step} is not spoken here")

    def _message(self):
        while True:
            if len(self.buffer) >= 5:
                length = struct.unpack_from("!I", self.buffer, 1)[0]
                if len(self.buffer) > length:
                    whole = bytes(self.buffer[:length + 1])
                    del self.buffer[:length + 1]
                    return whole[:1], whole[5:]
            chunk = self.socket.recv(65536)
            if not chunk:
                raise Failed("the connection was closed")
            self.buffer += chunk

    def _until_ready(self):
        """Reads one message cycle; returns the first value of the last row."""
        value, error = None, None
        while True:
            tag, body = self._message()
            if tag == b"D":
                length = struct.unpack_from("!i", body, 2)[0]
                value = None if length < 0 else body[6:6 + length].decode()
            elif tag == b"E":
                error = words_of(body)
            elif tag == b"Z":
                if error:
                    raise Failed(error)
                return value

    def simple(self, sql):
        self.socket.sendall(message(b"Q", sql.encode() + b"\0"))
        return self._until_ready()

    def prepare(self, name, sql):
        self.socket.sendall(message(b"P", f"{name}\0{sql}\0".encode() + b"\0\0") + message(b"S"))
        self._until_ready()

    def execute(self, name, value):
        """Bind, Describe, Execute, Sync in one write, as drivers send them."""
        self.socket.sendall(self._bound(name, value))
        return self._until_ready()

    def extended(self, sql, value):
        """The same behind an unnamed Parse."""
        self.socket.sendall(message(b"P", f"\0{sql}\0".encode() + b"\0\0") + self._bound("", value))
        return self._until_ready()

    @staticmethod
    def _bound(name, value):
        data = str(value).encode()
        bind = b"\0" + name.encode() + b"\0" + struct.pack("!hhi", 0, 1, len(data)) + data + b"\0\0"
        return message(b"B", bind) + message(b"D", b"P\0") + message(b"E", b"\0\0\0\0\0") + message(b"S")

    def stream(self, sql, pause=None):
        """Reads a result as bytes and returns their number. `pause` is called after each piece.

        Rows must hold no NUL byte, so that the end can be told from the last bytes alone."""
        self.socket.sendall(message(b"Q", sql.encode() + b"\0"))
        buffer = memoryview(bytearray(16 << 10 if pause else 1 << 20))
        total, tail = 0, b""
        while True:
            count = self.socket.recv_into(buffer)
            if not count:
                raise Failed("the connection was closed")
            if total == 0 and buffer[:1] == b"E":
                raise Failed(words_of(bytes(buffer[5:count])))
            total += count
            tail = (tail + bytes(buffer[max(0, count - 6):count]))[-6:]
            if tail[:5] == READY:
                return total
            if pause:
                pause()

    def close(self):
        try:
            self.socket.sendall(message(b"X"))
        except OSError:
            pass
        self.socket.close()


def scram_answer(password, first, server_first):
    """client-final-message of SCRAM-SHA-256 (RFC 5802) without channel binding."""
    words = dict(word.split("=", 1) for word in server_first.split(","))
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), base64.b64decode(words["s"]), int(words["i"]))
    key = hmac.digest(salted, b"Client Key", "sha256")
    final = f"c=biws,r={words['r']}"
    signed = hmac.digest(hashlib.sha256(key).digest(), ",".join((first, server_first, final)).encode(), "sha256")
    proof = base64.b64encode(bytes(a ^ b for a, b in zip(key, signed))).decode()
    return f"{final},p={proof}".encode()


def words_of(body):
    return body.replace(b"\0", b" ").decode("utf-8", "replace")[:400]
