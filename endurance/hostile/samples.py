"""Octets that others have collected: vectors, dialogues, corpora of fuzzers, handshakes."""

import contextlib
import functools
import ssl
from pathlib import Path

from tests.vectors import load
from tools.spec_text import dialogues

ROOT = Path(__file__).parent.parent.parent
CORPORA = ("c_client/fuzz/corpus", "c_client/fuzz/found", "fuzz/corpus")
CORPUS_FILE_MAX = 1 << 16

HANDSHAKES = (
    # TLS: a ClientHello, and an alert
    bytes.fromhex(
        "16030100a5010000a10303" + "5a" * 32 + "20" + "a5" * 32 + "0006130113021303"
        "01000052000b000403000102000a000400020017001600000017000000"
        "0d001e001c040305030603080708080809080a080b080408050806040105010601"
        "002b0003020304002d00020101003300020000"
    ),
    bytes.fromhex("15030100020228"),
    # The web: HTTP/1, a WebSocket, HTTP/2
    b"GET / HTTP/1.1\r\nHost: localhost\r\nUser-Agent: a>b\r\nAccept: */*\r\n\r\n",
    b"POST /chat HTTP/1.1\r\nHost: localhost\r\nContent-Length: 11\r\n\r\nann>hello\r\n",
    b"GET /chat HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes.fromhex("000012040000000000000300000064"),
    # SSH, telnet with its negotiation, mail, chat, files
    b"SSH-2.0-OpenSSH_9.6\r\n" + bytes.fromhex("0000002c061e") + b"curve25519-sha256" + bytes(14),
    bytes.fromhex("fffd18fffd20fffd23fffd27fffb03fffd01fffa1801fff0") + b"ann>hello\r\n",
    b"EHLO localhost\r\nMAIL FROM:<ann@localhost>\r\n",
    b"NICK ann\r\nUSER ann 0 * :Ann\r\nJOIN #chat\r\n",
    b"USER anonymous\r\nPASS ann@\r\n",
    b"*1\r\n$4\r\nPING\r\n",
    # Proxies and desktops: SOCKS, the PROXY protocol, RDP, X11, SMB
    bytes.fromhex("050100"),
    bytes.fromhex("0401138c7f000001") + b"ann\0",
    b"PROXY TCP4 127.0.0.1 127.0.0.1 5000 5000\r\nann>hello\n",
    bytes.fromhex("0d0a0d0a000d0a515549540a21110000"),
    bytes.fromhex("030000130ee000000000000100080003000000"),
    bytes.fromhex("6c000b00000000000000") + b"\0\0",
    bytes.fromhex("000000850000ff534d4272000000001853c8") + bytes(40),
)


@functools.cache
def client_hello() -> bytes:
    """How a client begins with TLS; the random octets in it are OpenSSL's."""
    outgoing = ssl.MemoryBIO()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    with contextlib.suppress(ssl.SSLWantReadError):
        context.wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname="localhost").do_handshake()
    return outgoing.read()


BAD_UTF8 = (
    *(b"\x80", b"\xbf", b"\x80\x80\x80"),  # what only continues
    *(b"\xc0\xaf", b"\xc1\xbf", b"\xe0\x80\xaf", b"\xe0\x9f\xbf", b"\xf0\x8f\xbf\xbf"),  # too long
    *(b"\xed\xa0\x80", b"\xed\xbf\xbf", b"\xed\xa0\xbd\xed\xb8\x80"),  # surrogates
    *(
        b"\xf4\x90\x80\x80",
        b"\xf5\x80\x80\x80",
        b"\xf8\x88\x80\x80\x80",
        b"\xfe",
        b"\xff",
    ),  # beyond
    *(b"\xc3", b"\xe2\x82", b"\xf0\x9f\x98", b"\xe2\x82x", b"\xf0\x9f\x98\n"),  # cut
    *(b"caf\xe9", b"\xff\xfeh\0i\0", b"\x93quoted\x94"),  # other encodings
    *(b"\xc2\x80", b"\xc2\x9f", b"\xc2\x85"),  # well-formed, and forbidden
)


def vectors() -> dict[str, list[bytes]]:
    """The octets of the vectors, by the file that they stand in."""
    files: dict[str, list[bytes]] = {}
    for vector in load():
        files.setdefault(vector.name.partition(":")[0], []).append(vector.octets)
    return files


def legal_streams() -> list[bytes]:
    """What each client of the spec's dialogues with a server says."""
    streams = []
    for dialogue in dialogues():
        for client in {step.client for step in dialogue.steps}:
            said = [s.octets for s in dialogue.steps if s.from_client and s.client == client]
            streams.append(b"".join(said))
    return sorted({stream for stream in streams if stream})


def corpora() -> list[bytes]:
    """What the fuzzers have collected, where there is any."""
    files = [path for directory in CORPORA for path in sorted((ROOT / directory).rglob("*"))]
    found = [(path.parent.name, path.read_bytes()) for path in files if path.is_file()]
    return [_stream(target, octets[:CORPUS_FILE_MAX]) for target, octets in found]


def _stream(target: str, octets: bytes) -> bytes:
    """What is no stream is hostile as it is; of a decoder's input the stream is the rest."""
    return octets[2 + octets[1] :] if target == "wire" and len(octets) > 1 else octets
