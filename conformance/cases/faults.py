"""Lines of a client with the handle ``a`` that break section 3 or 5, and the code for each."""

VIOLATIONS = (
    (b"no separator", "malformed"),
    (b"server>x", "handle-reserved"),
    (b"SERVER>\\quit", "handle-reserved"),
    (b"b>x", "handle-changed"),
    (b"b>\\quit", "handle-changed"),
    (b"A>x", "handle-changed"),
    (b"a>" + b"x" * 501, "too-long"),
    (b"a>" + "é".encode() * 251, "too-long"),
)
ORDER = (
    (b"b" * 512, "too-long"),
    (b"nohandle" + b"x" * 503, "malformed"),
    (b"\xff\xff", "malformed"),
    (b"\xffa>\x1b", "malformed"),
    (b"abcdefghijk>" + b"\xff" * 400, "malformed"),
    (b"server>" + b"\xff" * 501, "too-long"),
    (b"b>" + b"\xff" * 501, "too-long"),
    (b"a>" + b"\xff" * 501, "too-long"),
    (b"server>\xff", "encoding"),
    (b"SERVER>\x1b", "encoding"),
    (b"b>\x1b", "encoding"),
    (b"b>\xff", "encoding"),
    (b"Server>x", "handle-reserved"),
    (b"w>x", "handle-changed"),
)
