"""Reads decisions off the octets of an input, as ``c_client/fuzz/`` does."""


class Source:
    """An input; behind its end there are only zeroes, and no octets."""

    def __init__(self, octets: bytes) -> None:
        self._octets = octets
        self._at = 0

    def __bool__(self) -> bool:
        """Whether something is left."""
        return self._at < len(self._octets)

    def number(self) -> int:
        """One octet."""
        taken = self.octets(1)
        return taken[0] if taken else 0

    def octets(self, size: int) -> bytes:
        """As many, or as are left."""
        taken = self._octets[self._at : self._at + size]
        self._at += len(taken)
        return taken

    def counted(self) -> bytes:
        """Octets behind their number; 255 stands for as many and two numbers more."""
        size = self.number()
        if size == 255:
            size += self.number() + self.number()
        return self.octets(size)

    def rest(self) -> bytes:
        """All that is left."""
        return self.octets(len(self._octets))


def counted(octets: bytes) -> bytes:
    """What ``Source.counted`` reads as these."""
    size = len(octets)
    if size < 255:
        return bytes([size]) + octets
    more = min(size - 255, 510)
    return bytes([255, min(more, 255), more - min(more, 255)]) + octets[: 255 + more]
