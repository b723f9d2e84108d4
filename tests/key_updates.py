"""A client of TLS that updates its key as often as it likes, which Python's ssl cannot."""

import _ssl
import ctypes
import socket
import ssl
from collections.abc import Callable
from typing import Any

_UPDATE_REQUESTED = 1


def _function(name: str, result: Any, *arguments: Any) -> Callable[..., Any]:
    function = getattr(ctypes.CDLL(_ssl.__file__), name)  # from the libraries that it is linked to
    function.restype, function.argtypes = result, arguments
    return function  # type: ignore[no-any-return]


class KeyUpdater:
    """Its handshake, and then what it would send to ask the peer to update its key, too."""

    def __init__(self, connected: socket.socket) -> None:
        pointer, number, octets = ctypes.c_void_p, ctypes.c_int, ctypes.c_char_p
        self._do_handshake = _function("SSL_do_handshake", number, pointer)
        self._key_update = _function("SSL_key_update", number, pointer, number)
        self._read = _function("BIO_read", number, pointer, octets, number)
        self._write = _function("BIO_write", number, pointer, octets, number)
        new_bio = _function("BIO_new", pointer, pointer)
        memory = _function("BIO_s_mem", pointer)()
        context = _function("SSL_CTX_new", pointer, pointer)(
            _function("TLS_client_method", pointer)()
        )
        self._ssl = _function("SSL_new", pointer, pointer)(context)
        self._incoming, self._outgoing = new_bio(memory), new_bio(memory)
        _function("SSL_set_bio", None, pointer, pointer, pointer)(
            self._ssl, self._incoming, self._outgoing
        )
        _function("SSL_set_connect_state", None, pointer)(self._ssl)
        self.socket = connected
        self._shake()

    def _shake(self) -> None:
        while True:
            done = self._do_handshake(self._ssl) == 1
            self.socket.sendall(self._made())
            if done:
                return
            octets = self.socket.recv(65536)
            if not octets:
                raise ssl.SSLEOFError
            self._write(self._incoming, octets, len(octets))

    def _made(self) -> bytes:
        room = ctypes.create_string_buffer(65536)
        size = self._read(self._outgoing, room, len(room))
        return room.raw[: max(0, size)]

    def updates(self, count: int) -> bytes:
        """Records that ask for so many."""
        records = []
        for _ in range(count):
            assert self._key_update(self._ssl, _UPDATE_REQUESTED) == 1
            assert self._do_handshake(self._ssl) == 1
            records.append(self._made())
        return b"".join(records)
