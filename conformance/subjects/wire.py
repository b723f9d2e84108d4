r"""Lines and commands of chat/1, as octets: what all subjects have in common.

A :class:`Splitter` divides a stream into the contents of lines, :func:`judge` divides a content
into handle and text, :class:`Ear` is what a server makes of one client's lines.
"""

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

from conformance.subjects.catalogue import Bug, bug

VERSION = 1
TEXT_MAX = 500
CONTENT_MAX = 511
SERVER = b"SERVER"

QUIT = rb"\quit"
JOIN = re.compile(rb"\\join chat/([1-9][0-9]{0,2})((?: [!-~]+)*)")
WELCOME = re.compile(rb"\\welcome chat/([1-9][0-9]{0,2}) (turns|relay)((?: [!-~]+)*)")
HANDLE = re.compile(rb"[A-Za-z0-9][A-Za-z0-9._-]{0,9}")
PRESENCE = re.compile(rb"\\(joined|left)((?: " + HANDLE.pattern + rb")+)")
ERROR = re.compile(rb"\\error ([a-z-]+)((?: [!-~]+)*)")

LINE_END = re.compile(rb"[\n\0]")
CONTROLS = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f]")
CUT_CHARACTER = re.compile(rb"(?:[\xc2-\xdf]|[\xe0-\xef][\x80-\xbf]?|[\xf0-\xf4][\x80-\xbf]{0,2})$")


class ViolationError(Exception):
    """A line breaks section 3, or what section 5 adds to it."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Splitter:
    """Divides a stream of octets into the contents of lines."""

    def __init__(self, bug: str = "") -> None:
        self.bug = bug
        self.held = b""
        """The unfinished line."""
        self._last = b""

    def feed(self, octets: bytes) -> list[bytes | None]:
        """The contents that are complete now; None for one that is too long, then no more."""
        if self.bug == "decodes-each-read" and (cut := CUT_CHARACTER.search(octets)):
            octets = octets[: cut.start()]
        if self.bug == "lone-lf-keeps-cr" and self.held.endswith(b"\r") and octets[:1] == b"\n":
            octets = b"\r" + octets  # one CR more than can be stripped
        contents: list[bytes | None] = []
        octets = self.held + octets
        start = 0
        for end in self._line_end().finditer(octets):
            raw = octets[start : end.start()]
            content = self._stripped(raw, end.group())
            start = end.end()
            if self.bug == "stale-tail":
                content += self._last[len(content) :] if content else b""
                self._last = content
            if self.bug == "splits-long-line":
                while len(content) > CONTENT_MAX:
                    contents.append(content[:CONTENT_MAX])
                    content = content[CONTENT_MAX:]
            if len(raw if self.bug == "cr-counts" else content) > self._content_max():
                self.held = b""
                return [*contents, None]
            if content or self.bug in ("empty-line-counts", "empty-line-is-first"):
                contents.append(content)
        self.held = octets[start:]
        if self._is_surely_too_long():
            self.held = b""
            return [*contents, None]
        if self.bug == "read-is-message" and self.held:
            contents.append(self.held)
            self.held = b""
        if self.bug == "drops-cut-line":
            self.held = b""
        if self.bug == "loses-second-line":
            contents = contents[:1]
        return contents

    def end(self) -> list[bytes | None]:
        """What the end of the stream completes: nothing (LINE-9)."""
        if self.bug == "end-of-stream-ends-line" and self.held:
            return [self.held]
        return []

    def _line_end(self) -> re.Pattern[bytes]:
        return {
            "nul-is-no-line-end": re.compile(rb"\n"),
            "cr-ends-line": re.compile(rb"\r\n|[\r\n\0]"),
            "nel-ends-line": re.compile(rb"[\n\0]|\xc2\x85"),
            "ls-ends-line": re.compile(rb"[\n\0]|\xe2\x80\xa8"),
            "ff-ends-line": re.compile(rb"[\n\0\x0b\x0c]"),
        }.get(self.bug, LINE_END)

    def _stripped(self, content: bytes, end: bytes) -> bytes:
        if self.bug == "keeps-cr":
            return content
        if self.bug == "strips-every-cr":
            return content.rstrip(b"\r")
        if self.bug == "strips-cr-before-nul":
            return content.removesuffix(b"\r")
        return content.removesuffix(b"\r") if end == b"\n" else content

    def _content_max(self) -> int:
        return {"content-of-510": 510, "content-of-512": 512}.get(self.bug, CONTENT_MAX)

    def _is_surely_too_long(self) -> bool:
        if self.bug in ("waits-for-long-line", "splits-long-line"):
            return False
        if self.bug == "cr-counts":
            return len(self.held) > CONTENT_MAX
        # One CR may yet turn out to belong to the line end.
        return len(self.held.removesuffix(b"\r")) > self._content_max()


def judge(content: bytes, bug: str = "") -> tuple[bytes, bytes]:
    """The handle and the text of a line; ViolationError with the first of ERR-4 that fails."""
    handle, divider, text = content.partition(b">")
    if bug == "divides-at-last":
        handle, divider, text = content.rpartition(b">")
    if bug == "dies-of-bad-utf-8":
        text.decode()
    if bug == "encoding-before-malformed":
        check_encoding(content, bug)
    if not divider or not is_handle(handle, bug):
        raise ViolationError("malformed")
    if bug == "encoding-before-length":
        check_encoding(text, bug)
    if text_length(text, bug) > {"text-of-499": 499, "text-of-501": 501}.get(bug, TEXT_MAX):
        raise ViolationError("too-long")
    check_encoding(text, bug)
    return altered(handle, text, bug)


def altered(handle: bytes, text: bytes, bug: str) -> tuple[bytes, bytes]:
    """Handle and text as they came (LINE-10)."""
    if bug == "trims":
        text = text.strip(b" \t")
    if bug == "folds-handle":
        handle = handle.lower()
    if bug == "normalises":
        text = unicodedata.normalize("NFC", text.decode()).encode()
    if bug == "expands-tabs":
        text = text.replace(b"\t", b" ")
    if bug == "drops-bom":
        text = text.removeprefix(b"\xef\xbb\xbf")
    return handle, text


def is_handle(octets: bytes, bug: str = "") -> bool:
    """Whether these are the octets of a handle (LINE-3)."""
    wrong_shapes = {
        "handle-of-9": rb"[A-Za-z0-9][A-Za-z0-9._-]{0,8}",
        "handle-of-11": rb"[A-Za-z0-9][A-Za-z0-9._-]{0,10}",
        "handle-may-be-empty": rb"(?:[A-Za-z0-9][A-Za-z0-9._-]{0,9})?",
        "handle-begins-with-dash": rb"[A-Za-z0-9._-]{1,10}",
        "handle-has-no-dot": rb"[A-Za-z0-9][A-Za-z0-9_-]{0,9}",
        "handle-has-blanks": rb"[A-Za-z0-9][ A-Za-z0-9._-]{0,9}",
        "handle-has-any-letter": rb"[A-Za-z0-9\x80-\xff][A-Za-z0-9._\x80-\xff-]{0,9}",
    }
    if bug in wrong_shapes:
        return re.fullmatch(wrong_shapes[bug], octets) is not None
    return HANDLE.fullmatch(octets) is not None


def text_length(text: bytes, bug: str) -> int:
    """The length that counts: that in octets."""
    if bug == "counts-characters":
        return len(text.decode("utf-8", "replace"))
    return len(text)


def check_encoding(text: bytes, bug: str = "") -> None:
    """Refuse what is not well-formed UTF-8, or has a forbidden control character (LINE-4)."""
    if bug == "passes-bad-utf-8":
        written = text.decode("utf-8", "replace")
    elif bug == "passes-surrogates":
        text = re.sub(rb"\xed[\xa0-\xbf][\x80-\xbf]", b"", text)
    elif bug == "passes-overlong":
        text = re.sub(rb"[\xc0\xc1][\x80-\xbf]|\xe0[\x80-\x9f][\x80-\xbf]", b"", text)
    elif bug == "passes-above-unicode":
        text = re.sub(rb"\xf4[\x90-\xbf][\x80-\xbf]{2}", b"", text)
    elif bug == "passes-cut-character":
        text = CUT_CHARACTER.sub(b"", text)
    try:
        written = text.decode("utf-8", "replace" if bug == "passes-bad-utf-8" else "strict")
    except UnicodeDecodeError:
        raise ViolationError("encoding") from None
    forbidden = {
        "passes-escape": "[\x00-\x08\x0a-\x1a\x1c-\x1f\x7f-\x9f]",
        "passes-c0": "[\x00\x0a\x7f-\x9f]",
        "passes-del": "[\x00-\x08\x0a-\x1f\x80-\x9f]",
        "passes-c1": "[\x00-\x08\x0a-\x1f\x7f]",
        "refuses-tab": "[\x00-\x1f\x7f-\x9f]",
        "refuses-no-break-space": "[\x00-\x08\x0a-\x1f\x7f-\xa0]",
        "refuses-astral": "[\x00-\x08\x0a-\x1f\x7f-\x9f\U00010000-\U0010ffff]",
    }.get(bug)
    if re.search(forbidden, written) if forbidden else CONTROLS.search(written):
        raise ViolationError("encoding")
    if bug == "refuses-empty-text" and not text:
        raise ViolationError("malformed")


def is_server(handle: bytes) -> bool:
    """Whether the handle is the server's, in any letter case."""
    return handle.upper() == SERVER


def is_server_command(text: bytes) -> bool:
    """Whether a text would be a command if a server sent it."""
    return text == QUIT or any(command.fullmatch(text) for command in (WELCOME, PRESENCE, ERROR))


def cut(text: bytes, bug: str = "") -> list[bytes]:
    """A long text as pieces of at most 500 octets, cut between code points."""
    if bug == "long-text-sent-whole":
        return [text]
    pieces = []
    while len(text) > TEXT_MAX:
        at = TEXT_MAX
        while text[at] & 0xC0 == 0x80 and bug != "cuts-characters":
            at -= 1
        pieces.append(text[:at])
        text = text[at:]
        if bug == "long-text-truncated":
            return pieces
    if bug == "cut-loses-an-octet" and pieces:
        text = text[1:]
    return [*pieces, text]


def to_line(handle: bytes, text: bytes, bug: str = "") -> bytes:
    """The octets of a line as it is sent."""
    if bug == "sends-cr-lf":
        return handle + b">" + text + b"\r\n"
    if bug == "sends-nul":
        return handle + b">" + text + b"\0"
    if bug == "sends-no-line-end":
        return handle + b">" + text
    if bug == "sends-blank-after-handle":
        return handle + b"> " + text + b"\n"
    return handle + b">" + text + b"\n"


@dataclass
class Said:
    """A valid line of a client: ``text``, ``join`` or ``quit``."""

    kind: str
    handle: bytes
    text: bytes
    version: int = 0


def nobody_else(_handle: bytes) -> bool:
    """Whether another connection has the handle: never, at a turn server."""
    return False


class Ear:
    """What a server makes of the lines of one client."""

    def __init__(
        self, bug: str = "", odd: str = "", taken: Callable[[bytes], bool] = nobody_else
    ) -> None:
        self.bug = bug
        self.odd = odd
        self.taken = taken
        self.splitter = Splitter(bug)
        self.handle = b""
        """The handle that the first line has bound, or nothing."""
        self.joined = False
        self.past_first = False

    def understand(self, content: bytes | None) -> Said:
        """What a content says; ViolationError where it breaks a rule."""
        if content is None:
            raise ViolationError("too-long")
        if self.bug == "empty-line-is-first" and not content:
            self.past_first = True
            return Said("nothing", b"", b"")
        handle, text = self._checked(content)
        said = self._command(handle, text)
        first = not self.handle
        if said.kind != "quit" or self.odd == "first-quit-checked":
            unchecked = not first or (self.bug == "taken-text-passes" and said.kind == "text")
            if not unchecked and self.taken(handle):
                raise ViolationError("handle-taken")
        if said.kind != "quit" and not (self.bug == "text-binds-nothing" and said.kind == "text"):
            self.handle = self.handle or handle
            self.joined = self.joined or said.kind == "join"
            self.past_first = True
        return said

    def _checked(self, content: bytes) -> tuple[bytes, bytes]:
        if self.bug == "reserved-before-encoding" and is_server(content.partition(b">")[0]):
            raise ViolationError("handle-reserved")
        if self.bug == "changed-before-encoding" and self.handle:
            self._check_speaker(*content.partition(b">")[::2])
        handle, text = judge(content, self.bug)
        self._check_speaker(handle, text)
        return handle, text

    def _check_speaker(self, handle: bytes, text: bytes) -> None:
        changed = bool(self.handle) and handle != self.handle
        if self.bug == "other-spelling-passes":
            changed = bool(self.handle) and handle.lower() != self.handle.lower()
        if self.bug == "other-handle-passes":
            changed = False
        if self.bug == "quit-handle-unchecked" and text == QUIT:
            changed = False
        reserved = is_server(handle)
        if self.bug == "lower-case-server-passes":
            reserved = handle == SERVER
        if self.bug == "join-as-server-passes" and JOIN.fullmatch(text):
            reserved = False
        if self.bug == "changed-before-reserved" and changed:
            raise ViolationError("handle-changed")
        if reserved:
            raise ViolationError("handle-reserved")
        if changed:
            raise ViolationError("handle-changed")

    def _command(self, handle: bytes, text: bytes) -> Said:
        quits = text == QUIT
        if self.bug == "quit-is-prefix":
            quits = text.startswith(QUIT)
        if self.bug == "quit-is-substring":
            quits = QUIT in text
        if self.bug == "quit-in-any-case":
            quits = text.lower() == QUIT
        if self.bug == "quit-is-trimmed":
            quits = text.strip() == QUIT
        if quits:
            return Said("quit", handle, text)
        join = JOIN.fullmatch(text)
        if self.bug == "join-without-version":
            join = join or re.fullmatch(rb"\\join()", text)
        if self.bug == "join-words-refused" and join and join[2]:
            join = None
        if self.bug == "later-version-refused" and join and int(join[1]) > VERSION:
            join = None
        if self.bug == "join-is-text":
            join = None
        if join and (not self.past_first or self.bug == "joins-again"):
            return Said("join", handle, text, int(join[1] or 1))
        if self.bug == "unknown-command-swallowed" and text.startswith(b"\\"):
            return Said("nothing", handle, text)
        return Said("text", handle, text)


def from_violation(contents: list[bytes | None]) -> list[bytes | None]:
    """The contents from the first that breaks a rule on, or all."""
    for number, content in enumerate(contents):
        try:
            judge(content or b"")
        except ViolationError:
            return contents[number:]
    return contents


RECEIVER_BUGS: tuple[Bug, ...] = (
    bug("read-is-message", "STREAM-1", "It takes the end of a read for the end of a line."),
    bug("loses-second-line", "STREAM-1", "Of several lines in one read it takes only the first."),
    bug("drops-cut-line", "STREAM-1", "It drops what a read brings of an unfinished line."),
    bug("decodes-each-read", "STREAM-1", "A character that two reads bring is lost."),
    bug("lone-lf-keeps-cr", "STREAM-1 LINE-5", "It keeps a CR that came in a read before its LF."),
    bug("stale-tail", "LINE-10 STREAM-1", "A line ends with the tail of a longer one before it."),
    bug("divides-at-last", "LINE-2", "It divides the content at the last > instead of the first."),
    bug("nul-is-no-line-end", "LINE-5", "It does not take NUL for a line end."),
    bug("cr-ends-line", "LINE-5", "It takes a lone CR for a line end."),
    bug("keeps-cr", "LINE-5", "It takes the CR of CR LF for content."),
    bug("strips-every-cr", "LINE-5", "It strips all CRs before LF, not one."),
    bug("strips-cr-before-nul", "LINE-5", "It strips a CR before NUL, too."),
    bug("nel-ends-line", "LINE-5", "It takes U+0085 for a line end."),
    bug("ls-ends-line", "LINE-5", "It takes U+2028 for a line end."),
    bug("ff-ends-line", "LINE-5", "It takes VT and FF for line ends."),
    bug("empty-line-counts", "LINE-6", "It takes a line with no content for a malformed one."),
    bug("content-of-510", "LINE-7", "It refuses a content of 511 octets."),
    bug("content-of-512", "LINE-7", "It does not refuse a content of 512 octets as too long."),
    bug("cr-counts", "LINE-7", "It counts the CR of the line end as content."),
    bug(
        "waits-for-long-line", "LINE-7", "It notices only at the line end that a line is too long."
    ),
    bug("splits-long-line", "LINE-7", "It takes the rest of a line that is too long for a line."),
    bug("end-of-stream-ends-line", "LINE-9", "It takes a cut last line for a message."),
    bug("trims", "LINE-10", "It trims blanks at the ends of a text."),
    bug("folds-handle", "LINE-10", "It writes handles in lower case."),
    bug("normalises", "LINE-10", "It normalises texts to NFC."),
    bug("expands-tabs", "LINE-10", "It turns HTAB into a blank."),
    bug("drops-bom", "LINE-10", "It drops U+FEFF at the beginning of a text."),
)
"""What any receiver can do wrong with octets."""

JUDGE_BUGS: tuple[Bug, ...] = (
    bug("handle-of-9", "LINE-3 ERR-1", "It refuses a handle of 10 octets."),
    bug("handle-of-11", "ERR-1 LINE-3", "It accepts a handle of 11 octets."),
    bug("handle-may-be-empty", "ERR-1 LINE-3", "It accepts an empty handle."),
    bug(
        "handle-begins-with-dash", "ERR-1 LINE-3", "It accepts a handle that begins with -, _ or ."
    ),
    bug("handle-has-no-dot", "LINE-3 ERR-1", "It refuses a handle with a dot."),
    bug("handle-has-blanks", "ERR-1 LINE-3", "It accepts a handle with blanks."),
    bug("handle-has-any-letter", "ERR-1 LINE-3", "It accepts letters outside ASCII in a handle."),
    bug("text-of-499", "LINE-4 ERR-1", "It refuses a text of 500 octets."),
    bug("text-of-501", "ERR-1 LINE-4", "It accepts a text of 501 octets."),
    bug("counts-characters", "ERR-1 LINE-4", "It counts the characters of a text, not its octets."),
    bug("dies-of-bad-utf-8", "ERR-1", "A text that is not UTF-8 ends the program."),
    bug("passes-bad-utf-8", "ERR-1 LINE-4", "It accepts what is not UTF-8."),
    bug("passes-surrogates", "ERR-1 LINE-4", "It accepts surrogates encoded in UTF-8."),
    bug("passes-overlong", "ERR-1 LINE-4", "It accepts overlong forms of UTF-8."),
    bug("passes-above-unicode", "ERR-1 LINE-4", "It accepts code points above U+10FFFF."),
    bug("passes-cut-character", "ERR-1 LINE-4", "It accepts a character cut at the line end."),
    bug("passes-escape", "ERR-1 LINE-4", "It accepts the control character ESC."),
    bug("passes-c0", "ERR-1 LINE-4", "It accepts the control characters below U+0020."),
    bug("passes-del", "ERR-1 LINE-4", "It accepts the control character U+007F."),
    bug("passes-c1", "ERR-1 LINE-4", "It accepts the control characters U+0080 to U+009F."),
    bug("refuses-tab", "LINE-4 ERR-1", "It refuses HTAB."),
    bug("refuses-no-break-space", "LINE-4 ERR-1", "It refuses U+00A0."),
    bug("refuses-astral", "LINE-4 ERR-1", "It refuses code points above U+FFFF."),
    bug("refuses-empty-text", "LINE-4 ERR-1", "It refuses an empty text."),
)
"""What a server can misjudge."""

EAR_BUGS: tuple[Bug, ...] = (
    bug("empty-line-is-first", "LINE-6", "After a line with no content, join is not the first."),
    bug("encoding-before-malformed", "ERR-4", "It checks for encoding before malformed."),
    bug("encoding-before-length", "ERR-4", "It checks for encoding before the text's length."),
    bug("reserved-before-encoding", "ERR-4", "It checks for handle-reserved before encoding."),
    bug("changed-before-encoding", "ERR-4", "It checks for handle-changed before encoding."),
    bug("changed-before-reserved", "ERR-4", "It checks for handle-changed before reserved."),
    bug("other-spelling-passes", "ERR-1", "It lets a client change the spelling of its handle."),
    bug("other-handle-passes", "ERR-1", "It lets a client change its handle."),
    bug(
        "text-binds-nothing", "JOIN-3", "The first text of a plain client does not bind its handle."
    ),
    bug("lower-case-server-passes", "ERR-1", "It lets a client speak as server in lower case."),
    bug("join-as-server-passes", "ERR-5", "It lets SERVER join."),
    bug("quit-handle-unchecked", "ERR-5", "It does not check the handle of a quit."),
    bug("quit-is-prefix", "CMD-1", "It takes a text that begins with a quit for one."),
    bug("quit-is-substring", "CMD-1", "It takes a text that has a quit in it for one."),
    bug("quit-in-any-case", "CMD-1", "It takes a quit in capitals for one."),
    bug("quit-is-trimmed", "CMD-1", "It takes a quit with blanks around it for one."),
    bug("join-without-version", "CMD-1", "It takes a join without a version for a command."),
    bug("join-words-refused", "CMD-4", "It takes a join with words behind it for a text."),
    bug("later-version-refused", "JOIN-2", "It takes a join with a later version for a text."),
    bug("join-is-text", "JOIN-1", "It takes a join for a text."),
    bug("joins-again", "CMD-2", "It takes every join for a command."),
    bug("unknown-command-swallowed", "CMD-1", "It swallows texts that begin with a backslash."),
)
"""What a server can misunderstand."""
