"""Any stream, cut anywhere: chatproto, the C core and the suite's oracle read the same in it."""

from itertools import accumulate, cycle, takewhile

from chatproto import Decoder, EndOfStream, Role, Violation, decode, encode
from conformance import oracle
from fuzz.source import Source
from tests import c_library, vectors

_ORACLE = {Role.CLIENT: oracle.from_client, Role.SERVER: oracle.from_server}


def fuzz(octets: bytes) -> None:
    """Octets as of ``c_client/fuzz/fuzz_wire.c``: who sends, lengths of pieces, a stream."""
    source = Source(octets)
    sender = Role.SERVER if source.number() & 1 else Role.CLIENT
    lengths = source.octets(source.number())
    stream = source.rest()
    pieces = _cut(stream, lengths)

    _encode_again(pieces, sender)
    read = vectors.decoded([stream] if stream else [], sender)
    assert vectors.decoded(pieces, sender) == read, "it depends on the cuts"
    assert c_library.decode(pieces, sender.value) == read, "C reads something else"
    assert _ORACLE[sender](stream) == _until_last_word(*read, sender), "so does the oracle"


def _cut(stream: bytes, lengths: bytes) -> list[bytes]:
    """In pieces of these lengths, round and round; 0 is 256."""
    places = accumulate(length or 256 for length in cycle(lengths or b"\0"))
    return vectors.cut(stream, takewhile(lambda place: place < len(stream), places))


def _until_last_word(
    results: list[vectors.Result], unfinished: int, sender: Role
) -> tuple[list[vectors.Result], int]:
    """The oracle stops at the last word of a connection; a decoder knows of none."""
    for at, result in enumerate(results, start=1):
        if result[0] == "quit" or (result[0] == "error" and sender is Role.SERVER):
            return results[:at], 0
    return results, unfinished


def _encode_again(pieces: list[bytes], sender: Role) -> None:
    """What was decoded is encoded as a line that is decoded as the same; and it comes to an end."""
    decoder = Decoder(sender)
    first = True
    left = sum(map(len, pieces))
    for piece in pieces:
        decoder.receive(piece)
        while (event := decoder.next_event()) is not None:
            if not isinstance(event, EndOfStream | Violation):
                line = encode(event)
                assert decode(line[:-1], sender, first=first) == event, "it is encoded as another"
            first = False
            left -= 1
            assert left >= 0, "it yields more than came in"
