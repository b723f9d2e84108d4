"""A relay of chat/1, correct unless a bug is switched on.

python -m conformance.subjects.relay PORT [--bug NAME | --odd NAME]
    [--tls-cert FILE --tls-key FILE [--tls-client-ca FILE]]
"""

import math
import re
import socket
import sys
from dataclasses import replace

from conformance.subjects import net, wire
from conformance.subjects.catalogue import Bug, Oddity, bug, switches
from conformance.subjects.tls import Files, TlsSocket
from conformance.subjects.wire import SERVER, Ear, Said, ViolationError, to_line

CLIENTS_MAX = 100
QUEUE_MAX = 1_048_576
"""Octets that wait for one client, its roster not counted."""
KICK = re.compile(rb"\\kick (" + wire.HANDLE.pattern + rb")")


class Member(net.Connection):
    """One connection of the relay."""

    def __init__(self, sock: socket.socket | TlsSocket, number: int, bug: str, odd: str) -> None:
        super().__init__(sock, bug, odd)
        self.number = number
        self.ear = Ear(bug, odd)
        self.roster_octets = 0
        self.kept_back: tuple[Member, bytes] | None = None
        """A text that a bug keeps back, and who said it."""
        self.gone = False
        """It has left, although a bug still delivers to it."""

    @property
    def handle(self) -> bytes:
        """The handle that it has bound, or nothing."""
        return self.ear.handle


class Relay(net.Server):
    """Passes what each says on to all others."""

    def __init__(self, bug: str = "", odd: str = "", files: Files | None = None) -> None:
        super().__init__(bug, odd, files)
        self._overflowed: list[Member] = []
        self._numbers = 0
        self._kept_handles: set[bytes] = set()
        """Handles that a bug never makes free."""

    def members(self) -> list[Member]:
        """All that have not ended, in the order in which they came."""
        connections = [each for each in self.connections if isinstance(each, Member)]
        if self.bug == "delivers-to-ended":
            return [each for each in connections if not each.ended]
        return [each for each in connections if not each.ended and not each.gone]

    # What comes from the network.

    def accepted(self, sock: socket.socket | TlsSocket) -> Member:
        """Take a new connection, or say that there is no room."""
        self._numbers += 1
        member = Member(sock, self._numbers, self.bug, self.odd)
        member.ear.taken = lambda handle: self._is_taken(handle, member)
        most = {"refuses-33rd": 32}.get(self.bug, CLIENTS_MAX)
        if self.odd in ("exactly-64-clients", "ends-silent-when-full"):
            most = 64
        members = self.members()
        if len(members) >= most:
            silent = [each for each in members if not each.handle]
            if self.odd == "ends-silent-when-full" and silent:
                self._dismiss(silent[0], "full")
            elif self.bug == "full-untold":
                member.end()
            else:
                self._dismiss(member, "full")
        if self.bug == "idle-after-a-second":
            self.put_off(1.0, lambda: None if member.handle else self._dismiss(member, "idle"))
        return member

    def heard(self, connection: net.Connection, octets: bytes) -> None:
        """Take what a connection says; nothing at the end of its stream."""
        assert isinstance(connection, Member)
        splitter = connection.ear.splitter
        contents = splitter.feed(octets) if octets else splitter.end()
        if self.bug == "drops-lines-before-error":
            contents = wire.from_violation(contents)
        if self.bug == "reverses-batch":
            contents.reverse()
        if self.bug == "loses-fifth-of-batch":
            del contents[4:5]
        for content in contents:
            self._take(connection, content)
            if connection.ended:
                break
        if octets or connection.ended:
            return
        if self.bug == "half-close-unnoticed":
            return
        if self.bug == "half-close-drops-queue":
            connection.out.clear()
        self._leave(connection)

    def _take(self, member: Member, content: bytes | None) -> None:
        bound = bool(member.handle)
        try:
            said = member.ear.understand(content)
        except ViolationError as violation:
            if self.bug == "taken-announces-left" and violation.code == "handle-taken":
                member.ear.handle = (content or b"").partition(b">")[0]
            self._violated(member, violation.code)
            return
        if member.gone and self.bug != "forwards-after-quit":
            return
        if said.kind == "join":
            self._joined(member, said, again=bound)
        elif said.kind == "text":
            self._texted(member, said, bound=bound)
        elif said.kind == "quit":
            self._quitted(member)
        self._end_overflowed()

    def _joined(self, member: Member, said: Said, *, again: bool) -> None:
        if not again:
            self._announce(b"joined", member)
        if self.bug == "never-welcomes":
            return
        if self.bug == "speaks-before-welcome":
            self._tell(member, b"hello")
        self._admit(member, said)
        if self.bug == "welcomes-twice":
            self._admit(member, said)

    def _admit(self, member: Member, said: Said) -> None:
        version = said.version if self.bug == "echoes-version" else wire.VERSION
        others = [each for each in self.members() if each is not member and not each.gone]
        roster = [each.handle for each in others if each.handle]
        here = len(roster) + (1 if self.bug == "here-counts-itself" else 0)
        words = b"here=%d" % here
        if self.odd == "extra-words":
            words = b"motto=none %s \\o/" % words
        welcome = b"\\welcome chat/%d relay %s" % (version, words)
        lines = [to_line(SERVER, text, self.bug) for text in self._roster(member, roster)]
        if self.bug == "roster-before-welcome":
            member.say(b"".join(lines))
            lines = []
        self._tell(member, welcome)
        if self.bug == "roster-late":
            self.put_off(0.03, lambda: member.say(b"".join(lines)))
            return
        member.say(b"".join(lines))
        member.roster_octets = sum(map(len, lines))

    def _roster(self, member: Member, handles: list[bytes]) -> list[bytes]:
        """The texts that tell who is here: as many handles in each as fit."""
        if self.bug == "roster-without-first":
            handles = handles[1:]
        if self.bug == "roster-without-plain":
            joined = {each.handle for each in self.members() if each.ear.joined}
            handles = [each for each in handles if each in joined]
        if self.bug == "roster-names-itself":
            handles = [*handles, member.handle]
        if self.bug == "never-sends-roster":
            handles = []
        if self.odd == "roster-backwards":
            handles.reverse()
        if self.odd == "roster-sorted":
            handles.sort()
        texts: list[bytes] = []
        for handle in handles:
            together = bool(texts) and len(texts[-1]) + 1 + len(handle) <= wire.TEXT_MAX
            if self.odd == "roster-one-in-a-line":
                together = False
            if self.bug == "roster-in-one-long-line":
                together = bool(texts)
            if together:
                texts[-1] += b" " + handle
            else:
                texts.append(b"\\joined " + handle)
        return texts

    def _texted(self, member: Member, said: Said, *, bound: bool) -> None:
        if self.bug == "welcomes-plain-client" and not bound:
            self._tell(member, b"\\welcome chat/1 relay here=0")
        if not bound and self.bug != "joined-after-text":
            self._announce(b"joined", member)
        self._forward(member, said)
        if not bound and self.bug == "joined-after-text":
            self._announce(b"joined", member)
        self.screen.show(said.handle, said.text)

    def _quitted(self, member: Member) -> None:
        if self.bug == "quit-waits-for-end":
            return
        if self.bug == "quit-is-shown":
            self._forward(member, Said("text", member.handle, wire.QUIT))
        if self.bug == "forwards-after-quit":
            self._announce(b"left", member)
            member.gone = True
            return
        if self.bug == "delivers-to-ended":
            self._announce(b"left", member)
            member.gone = True
            return
        self._leave(member)

    # What becomes of it.

    def _forward(self, member: Member, said: Said) -> None:
        """Deliver a text to all others."""
        text = said.text
        if self.bug == "escapes-backslashes":
            text = text.replace(b"\\", b"\\\\")
        if self.bug == "escapes-markup":
            text = text.replace(b"&", b"&amp;")
        line = to_line(said.handle, text, self.bug)
        others = [each for each in self.members() if each is not member]
        if self.bug == "echoes-to-sender":
            others.append(member)
        if self.bug == "forgets-last-client" and len(others) > 1:
            others.pop()
        if self.bug == "silent-get-nothing":
            others = [each for each in others if each.handle]
        if self.bug == "plain-get-nothing":
            others = [each for each in others if each.ear.joined]
        if self.bug == "joined-get-twice":
            others += [each for each in others if each.ear.joined]
        for each in others:
            if self.bug == "order-differs" and each.number % 2:
                self._deliver_swapped(each, member, line)
            else:
                self._deliver(each, line)

    def _deliver_swapped(self, receiver: Member, sender: Member, line: bytes) -> None:
        """Let a text be overtaken by the next one of somebody else."""
        kept_back, receiver.kept_back = receiver.kept_back, None
        if kept_back is None:
            receiver.kept_back = (sender, line)
            self.put_off(0.03, lambda: self._give_up(receiver))
            return
        lines = [kept_back[1], line] if kept_back[0] is sender else [line, kept_back[1]]
        for each in lines:
            self._deliver(receiver, each)

    def _give_up(self, receiver: Member) -> None:
        kept_back, receiver.kept_back = receiver.kept_back, None
        if kept_back and not receiver.ended:
            self._deliver(receiver, kept_back[1])

    def _deliver(self, member: Member, line: bytes) -> None:
        """Queue a line, if there is room."""
        if member in self._overflowed:
            return
        most = {"queues-exactly-256-kib": 262_144}.get(self.odd, QUEUE_MAX)
        most = {"queues-64-kib": 65_536}.get(self.bug, most)
        if len(member.out) + len(line) <= most + member.roster_octets:
            member.say(line)
            return
        if self.bug == "overflow-drops-oldest":
            start = member.out.index(b"\n") + 1
            del member.out[start : member.out.index(b"\n", start) + 1]
            member.say(line)
            return
        if self.bug == "overflow-drops-newest":
            return
        if self.bug == "overflow-cuts-line":
            member.say(line[: len(line) // 2])
        if self.odd == "overflow-drops-queue":
            # The line that is on its way is finished; nothing else has to be.
            del member.out[member.out.index(b"\n") + 1 :]
        self._overflowed.append(member)

    def _end_overflowed(self) -> None:
        """End those whose queue is full: after the line that filled it (RELAY-4)."""
        while self._overflowed:
            member = self._overflowed.pop(0)
            if member.ended:
                continue
            if self.bug == "overflow-untold":
                member.end()
                self._announce(b"left", member)
            else:
                self._dismiss(member, "too-slow")

    def _announce(self, what: bytes, member: Member) -> None:
        """Tell all other joined clients that somebody has come or gone."""
        if not member.handle and self.bug != "announces-silent":
            return
        if self.bug == f"never-announces-{what.decode()}":
            return
        line = to_line(SERVER, b"\\%s %s" % (what, member.handle or b"somebody"), self.bug)
        for each in self.members():
            if each is member and self.bug != "announces-to-itself":
                continue
            if not each.ear.joined and self.bug != "announces-to-plain":
                continue
            if what == b"left" and self.bug == "left-overtakes-texts":
                each.out[:0] = line
                continue
            self._deliver(each, line)
            if what == b"left" and self.bug == "announces-left-twice":
                self._deliver(each, line)

    def _leave(self, member: Member) -> None:
        """End a connection: one event with the announcement and the release of its handle."""
        if member.ended:
            return
        member.end()
        if self.bug == "handle-never-free":
            self._kept_handles.add(member.handle.lower())
        if member.gone or self.bug == "left-when-closed":
            return
        self._announce(b"left", member)
        self._end_overflowed()

    def _is_taken(self, handle: bytes, but: Member) -> bool:
        """Whether another open connection has the handle (LINE-11)."""
        if self.bug == "taken-handle-passes":
            return False
        others = [each for each in self.members() if each is not but and not each.gone]
        if self.bug == "handle-kept-while-draining":
            others = [
                each for each in self.connections if isinstance(each, Member) and each is not but
            ]
        if self.bug == "taken-only-if-joined":
            others = [each for each in others if each.ear.joined]
        if self.bug == "compares-case":
            return handle in [each.handle for each in others]
        if handle.lower() in self._kept_handles:
            return True
        return handle.lower() in [each.handle.lower() for each in others]

    # Errors.

    def _violated(self, member: Member, code: str) -> None:
        code = {
            ("code-encoding-wrong", "encoding"): "malformed",
            ("code-too-long-wrong", "too-long"): "malformed",
            ("code-reserved-wrong", "handle-reserved"): "handle-taken",
            ("code-changed-wrong", "handle-changed"): "malformed",
            ("code-taken-wrong", "handle-taken"): "handle-changed",
            ("code-in-capitals", code): code.upper(),
        }.get((self.bug, code), code)
        if self.bug == "error-without-end":
            self._tell(member, b"\\error " + code.encode())
            return
        if self.bug == "goes-on-after-violation":
            self.put_off(0.03, lambda: self._dismiss(member, code))
            return
        if self.bug == "error-untold":
            self._leave(member)
            return
        self._dismiss(member, code)
        self._end_overflowed()

    def _dismiss(self, member: Member, code: str) -> None:
        """Say why, end the connection, and tell the others."""
        if member.ended:
            return
        words = b" for a reason" if self.odd == "extra-words" else b""
        self._tell(member, b"\\error " + code.encode() + words)
        if self.bug == "error-not-last":
            self._tell(member, b"good-bye")
        member.end()
        if self.bug == "handle-kept-after-error":
            self._kept_handles.add(member.handle.lower())
        if self.bug != "left-unannounced-after-error":
            self._announce(b"left", member)

    def _tell(self, member: Member, text: bytes) -> None:
        """Say something to one client; there is always room for it."""
        handle = b"Server" if self.bug == "server-in-small-letters" else SERVER
        member.say(to_line(handle, text, self.bug))

    # The operator, and time.

    def typed(self) -> None:
        """Take what the operator has typed; the end of it means nothing (RELAY-17)."""
        if self.keyboard.ended and self.bug == "stops-without-operator":
            self.stop()
        while self.keyboard.lines:
            self._typed(self.keyboard.lines.popleft())

    def _typed(self, text: bytes) -> None:
        kick = KICK.fullmatch(text)
        if self.bug == "kick-is-prefix":
            kick = KICK.match(text)
        if self.bug == "kick-is-text":
            kick = None
        if text == wire.QUIT and self.bug != "typed-quit-is-text":
            self.stop()
        elif kick:
            self._kick(kick[1])
        else:
            self._broadcast(text)

    def _kick(self, handle: bytes) -> None:
        for member in self.members():
            same = member.handle.lower() == handle.lower()
            if self.bug == "kick-compares-case":
                same = member.handle == handle
            if not same:
                continue
            if self.bug == "kick-untold":
                self._leave(member)
            else:
                self._dismiss(member, "full" if self.bug == "kick-code-wrong" else "removed")
            self._end_overflowed()
            return
        if self.bug == "kick-of-nobody-is-text":
            self._broadcast(b"\\kick " + handle)
        if self.bug != "kick-of-nobody-untold":
            self.screen.note(f"nobody has the handle {handle.decode()}")

    def _broadcast(self, text: bytes) -> None:
        """Send what the operator typed to all."""
        pieces = wire.cut(text, self.bug)
        try:
            if self.bug != "sends-typed-bad-utf-8" or wire.CONTROLS.search(text.decode("latin-1")):
                wire.check_encoding(text, "passes-c0" if self.bug == "sends-typed-controls" else "")
        except ViolationError:
            self._refuse("it is not UTF-8 or has control characters")
            return
        commands = [each for each in pieces if wire.is_server_command(each)]
        if self.bug == "sends-typed-command":
            commands = []
        if self.bug == "sends-command-as-piece" and len(pieces) > 1:
            commands = []
        if commands:
            self._refuse("it would be a command")
            return
        receivers = self.members()
        if self.bug == "operator-heard-by-joined-only":
            receivers = [each for each in receivers if each.ear.joined]
        if self.bug == "operator-unheard":
            receivers = []
        handle = b"Server" if self.bug == "server-in-small-letters" else SERVER
        for piece in pieces:
            for member in receivers:
                self._deliver(member, to_line(handle, piece, self.bug))
            if self.odd == "shows-operator":
                self.screen.show(SERVER, piece)
        self._end_overflowed()

    def _refuse(self, why: str) -> None:
        if self.bug != "refuses-in-silence":
            self.screen.note(f"this was not sent: {why}")

    def clock(self, _now: float) -> float:
        """Nothing here depends on time, but for bugs."""
        if self.bug == "left-when-closed":
            for each in self.connections:
                if isinstance(each, Member) and each.ended and each.heard_end and not each.gone:
                    each.gone = True
                    self._announce(b"left", each)
        if self.bug == "stops-without-clients" and self._numbers and not self.connections:
            self.stop()
        return math.inf


def with_relay_3(bug: Bug) -> Bug:
    """The bug, with the requirement of relays that says the same as one of lines."""
    if {"LINE-1", "LINE-10"} & set(bug.requirements):
        return replace(bug, requirements=(*bug.requirements, "RELAY-3"))
    return bug


BUGS: tuple[Bug, ...] = (
    *(with_relay_3(each) for each in wire.RECEIVER_BUGS),
    *wire.JUDGE_BUGS,
    *wire.EAR_BUGS,
    *(with_relay_3(each) for each in net.SERVER_BUGS),
    bug("idle-after-a-second", "ERR-9", "It ends a connection that says nothing for a second."),
    bug("stop-drops-queue", "STOP-2", "When it stops it drops what is queued."),
    bug("escapes-backslashes", "RELAY-3", "It doubles the backslashes of texts."),
    bug("escapes-markup", "RELAY-3", "It writes & as &amp;."),
    bug("compares-case", "LINE-11", "It takes Ann and aNN for two handles."),
    bug("code-taken-wrong", "ERR-1 RELAY-9", "It says handle-changed for handle-taken."),
    bug("quit-waits-for-end", "CLOSE-5", "It takes no notice of a quit until the stream ends."),
    bug("quit-is-shown", "RELAY-1 CMD-1", "It passes a quit on to the others."),
    bug("forwards-after-quit", "CLOSE-5", "It passes on what a client says after its quit."),
    bug("delivers-to-ended", "CLOSE-5", "It delivers texts to one who has said quit."),
    bug("left-when-closed", "CLOSE-5", "It announces who left when the stream ends, not at quit."),
    bug("half-close-unnoticed", "CLOSE-6", "It keeps a client that ended its sending side."),
    bug("half-close-drops-queue", "CLOSE-6", "It drops the queue of one that ended its side."),
    bug("forgets-last-client", "RELAY-1", "Of several receivers it forgets the newest."),
    bug("joined-get-twice", "RELAY-1", "It sends a text to joined clients twice."),
    bug("loses-fifth-of-batch", "RELAY-1", "Of many lines in one read it loses the fifth."),
    bug("plain-get-nothing", "RELAY-1 RELAY-5", "It delivers to joined clients only."),
    bug("echoes-to-sender", "RELAY-2", "It sends a text back to its sender."),
    bug("reverses-batch", "RELAY-4", "It passes on the lines of one read backwards."),
    bug("order-differs", "RELAY-4", "Some receivers get texts of two senders in another order."),
    bug("silent-get-nothing", "RELAY-5", "It does not deliver to those that said nothing."),
    bug("here-counts-itself", "RELAY-6", "The number of its welcome counts the joining client."),
    bug("roster-before-welcome", "JOIN-1 RELAY-6", "It sends the roster before the welcome."),
    bug("roster-late", "RELAY-6", "Texts come between its welcome and its roster."),
    bug("roster-without-first", "RELAY-6", "The roster lacks the oldest client."),
    bug("roster-without-plain", "RELAY-6", "The roster lacks plain clients."),
    bug("roster-names-itself", "RELAY-6 RELAY-8", "The roster has the joining client."),
    bug("roster-in-one-long-line", "RELAY-6 LINE-4", "The roster of many is a line too long."),
    bug("never-sends-roster", "RELAY-6", "There is no roster."),
    bug("joined-after-text", "RELAY-7", "A plain client's first text comes before its joined."),
    bug("left-overtakes-texts", "RELAY-7", "A client's left overtakes its last texts."),
    bug("never-announces-joined", "RELAY-7", "It announces nobody who comes."),
    bug("never-announces-left", "RELAY-7 CLOSE-5", "It announces nobody who goes."),
    bug("left-unannounced-after-error", "RELAY-7 CLOSE-5", "It announces nobody who had an error."),
    bug("announces-left-twice", "RELAY-7 CLOSE-5", "It announces twice who goes."),
    bug("announces-to-plain", "JOIN-3", "It announces to plain clients, too."),
    bug("announces-to-itself", "RELAY-8", "It announces a client to itself."),
    bug("announces-silent", "RELAY-8", "It announces that one left who had bound nothing."),
    bug("taken-announces-left", "RELAY-8", "It announces that one left whose handle was taken."),
    bug("taken-handle-passes", "RELAY-9", "It lets two connections have one handle."),
    bug("taken-text-passes", "RELAY-9", "It checks only joins for handle-taken, not texts."),
    bug("taken-only-if-joined", "RELAY-9", "It lets one have the handle of a plain client."),
    bug("handle-never-free", "RELAY-10", "It never makes a handle free again."),
    bug("handle-kept-after-error", "RELAY-10", "It does not make a handle free after an error."),
    bug("handle-kept-while-draining", "RELAY-10 CLOSE-5", "A handle is free only after the drain."),
    bug("waits-for-slow-reader", "RELAY-11", "It waits for a client that does not read."),
    bug("queues-64-kib", "RELAY-12", "It queues only 65,536 octets for a client."),
    bug("overflow-drops-oldest", "RELAY-12", "It drops old lines for new ones."),
    bug("overflow-drops-newest", "RELAY-12", "It drops new lines and goes on."),
    bug("overflow-cuts-line", "RELAY-12", "The last line of a full queue is cut."),
    bug("overflow-untold", "RELAY-12", "It ends a slow client without an error."),
    bug("drowns", "RELAY-14", "It reads from one client as long as something comes."),
    bug("refuses-33rd", "RELAY-16", "It takes only 32 clients."),
    bug("full-untold", "RELAY-16", "It ends a client that is too many without an error."),
    bug("stops-without-operator", "RELAY-17", "The end of its standard input stops it."),
    bug("stops-without-clients", "RELAY-17", "It stops when the last client has gone."),
    bug("shows-nothing", "RELAY-18", "It does not show what clients say."),
    bug("shows-twice", "TERM-9", "It shows each text twice."),
    bug("waits-for-screen", "RELAY-18", "It waits for its screen."),
    bug("operator-heard-by-joined-only", "RELAY-19", "Plain clients do not hear the operator."),
    bug("operator-unheard", "RELAY-19", "Nobody hears the operator."),
    bug("kick-is-text", "RELAY-20", "It takes a kick for a text."),
    bug("kick-is-prefix", "RELAY-20", "It takes a text that begins with a kick for one."),
    bug("kick-compares-case", "RELAY-20", "A kick has to be in the handle's letter case."),
    bug("kick-untold", "RELAY-20", "It ends a kicked client without an error."),
    bug("kick-code-wrong", "RELAY-20", "It tells a kicked client that the server is full."),
    bug("kick-of-nobody-is-text", "RELAY-20", "A kick of nobody is sent to all."),
    bug("kick-of-nobody-untold", "RELAY-20", "A kick of nobody is told to nobody."),
    bug("typed-quit-is-text", "RELAY-21", "It takes the operator's quit for a text."),
    bug("ignores-port", "TERM-8", "It listens on a port of its own choice."),
)

ODDITIES: tuple[Oddity, ...] = (
    *net.SERVER_ODDITIES,
    Oddity("roster-backwards", "The roster is backwards.", "RELAY-6: in any order."),
    Oddity("roster-sorted", "The roster is sorted.", "RELAY-6: in any order."),
    Oddity("roster-one-in-a-line", "Each line of the roster has one handle.", "RELAY-6: or more."),
    Oddity("queues-exactly-256-kib", "It queues 262,144 octets.", "RELAY-12: at least so many."),
    Oddity("overflow-drops-queue", "It drops the queue of a slow client.", "RELAY-12: may drop."),
    Oddity("exactly-64-clients", "It takes 64 clients.", "RELAY-16: at least so many."),
    Oddity("ends-silent-when-full", "When full it ends a silent client.", "RELAY-16: MAY."),
    Oddity("first-quit-checked", "A first quit can be handle-taken.", "ERR-5: left open."),
    Oddity("shows-operator", "It shows what its operator says.", "TERM-9: may show it."),
)


def main(arguments: list[str]) -> int:
    """Run the relay; the exit status."""
    parser = switches("relay", BUGS, ODDITIES)
    try:
        port, bug, odd, files = net.chosen(parser, arguments)
    except net.ArgumentsError as error:
        print("usage: relay PORT", file=sys.stderr)
        return error.status
    return Relay(bug, odd, files).run(port)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
