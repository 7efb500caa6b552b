"""A client that speaks MySQL's protocol by hand, for exact numbers of statements. Standard library only."""

import hashlib
import socket
import struct

from wire import Failed

# LONG_PASSWORD, LONG_FLAG, CONNECT_WITH_DB, PROTOCOL_41, TRANSACTIONS, SECURE_CONNECTION, PLUGIN_AUTH, DEPRECATE_EOF
CAPABILITIES = 0x1 | 0x4 | 0x8 | 0x200 | 0x2000 | 0x8000 | 0x80000 | 0x1000000
UTF8MB4 = 45
OK, ERROR, EOF, MORE = 0x00, 0xFF, 0xFE, 0x01
FAST_OK = 3


class Client:
    """One session, without TLS, by `caching_sha2_password`."""

    def __init__(self, port, user, password, database="bench"):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=120)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = bytearray()
        greeting = self._packet()
        rest = greeting.index(b"\0", 1) + 1
        salt = greeting[rest + 4:rest + 12] + greeting[rest + 31:rest + 43]
        words = user.encode() + b"\0" + bytes([32]) + scramble(password, salt) + database.encode() + b"\0caching_sha2_password\0"
        self._send(struct.pack("<IIB23x", CAPABILITIES, 1 << 24, UTF8MB4) + words, 1)
        while True:
            answer = self._packet()
            if answer[0] == OK:
                return
            if answer[0] != MORE or answer[1] != FAST_OK:
                raise Failed(f"logging in: {answer[:200]}")

    def _send(self, payload, sequence=0):
        self.socket.sendall(struct.pack("<I", len(payload))[:3] + bytes([sequence]) + payload)

    def _packet(self):
        while True:
            if len(self.buffer) >= 4:
                length = int.from_bytes(self.buffer[:3], "little")
                if len(self.buffer) >= length + 4:
                    payload = bytes(self.buffer[4:length + 4])
                    del self.buffer[:length + 4]
                    if payload[0] == ERROR:
                        raise Failed(payload[3:].decode("utf-8", "replace"))
                    return payload
            chunk = self.socket.recv(65536)
            if not chunk:
                raise Failed("the connection was closed")
            self.buffer += chunk

    def _result(self):
        """Reads an answer to its end: OK, or columns and rows and the end of them."""
        first = self._packet()
        if first[0] == OK:
            return
        for _ in range(first[0]):
            self._packet()
        while self._packet()[0] != EOF:
            pass

    def simple(self, sql):
        self._send(b"\x03" + sql.encode())
        self._result()

    def prepare(self, sql):
        """Prepares a statement with one parameter; returns its number."""
        self._send(b"\x16" + sql.encode())
        _, number, columns, parameters = struct.unpack_from("<BIHH", self._packet())
        for _ in range(columns + parameters):
            self._packet()
        return number

    def execute(self, number, value):
        """Runs it with a number of eight bytes."""
        self._send(struct.pack("<BIBIBBHq", 0x17, number, 0, 1, 0, 1, 8, value))
        self._result()

    def close(self):
        self._send(b"\x01")
        self.socket.close()


def scramble(password, salt):
    """What `caching_sha2_password` answers a challenge with."""
    once = hashlib.sha256(password.encode()).digest()
    twice = hashlib.sha256(hashlib.sha256(once).digest() + salt).digest()
    return bytes(a ^ b for a, b in zip(once, twice))
