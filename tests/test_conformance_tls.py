"""The suite over TLS: its socket, its certificates, and runs against the subjects."""

import contextlib
import io
import json
import os
import select
import socket
import ssl
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from conformance import credentials, replay, spec, tls
from conformance.__main__ import main
from conformance.cases import CASES, Case
from conformance.deviation import Deviation, UnsupportedError
from conformance.drain_fence import DrainFence
from conformance.executor import Executor
from conformance.finder import Finder, unfit
from conformance.lower_tester import Network
from conformance.operations import Script
from conformance.ports import free_port
from conformance.target import Target
from conformance.tls import CutError, Tls, TlsSocket
from conformance.trace import Trace
from conformance.upper_tester import Program, wait_listening

SECONDS = 20.0
SUBJECTS = f"{sys.executable} -m conformance.subjects"
RELAY = f"{SUBJECTS}.relay {{port}} --tls-cert {{cert}} --tls-key {{key}}"
ASKING = f"{RELAY} --tls-client-ca {{ca}}"
linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux can be asked")
CLIENT = f"{SUBJECTS}.client --tls --ca {{ca}} {{host}} {{port}}"


def trusting() -> Tls:
    return Tls(credentials.own().authority)


def serving() -> Tls:
    own = credentials.own()
    return Tls(own.authority, own.identities["server"])


@contextlib.contextmanager
def joined(ours: Tls, context: ssl.SSLContext) -> Iterator[tuple[TlsSocket, ssl.SSLSocket]]:
    """Our end as a client, and one that is the standard library's."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        raw = socket.create_connection(listener.getsockname())
        bare, _ = listener.accept()
    bare.settimeout(SECONDS)
    bare.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    theirs = context.wrap_socket(bare, server_side=True, do_handshake_on_connect=False)
    shaking = threading.Thread(target=theirs.do_handshake)
    shaking.start()
    own = ours.connect(raw, "127.0.0.1")
    own.handshake(SECONDS)
    shaking.join()
    with own, theirs:
        yield own, theirs


def server() -> ssl.SSLContext:
    shown = credentials.own().identities["server"]
    return tls.server_context(shown, None, "1.3")


def read(own: TlsSocket) -> bytes:
    """What the next read brings, once something has come."""
    waiting = True
    while waiting:
        with contextlib.suppress(BlockingIOError):  # not a whole record yet
            return own.recv()
        waiting = bool(select.select([own], [], [], SECONDS)[0])
    pytest.fail("nothing came")


def take(theirs: ssl.SSLSocket, size: int) -> bytes:
    taken = b""
    while len(taken) < size:
        taken += theirs.recv(size - len(taken))
    return taken


# The socket


def test_octets_arrive_in_both_directions() -> None:
    with joined(trusting(), server()) as (own, theirs):
        with pytest.raises(BlockingIOError):
            own.recv()
        assert own.send(b"a>hello\n") == 8
        assert take(theirs, 8) == b"a>hello\n"
        theirs.sendall(b"b>hi\n")
        assert read(own) == b"b>hi\n"


@linux
def test_all_that_one_read_brings_is_there_at_once() -> None:
    with joined(trusting(), server()) as (own, theirs):
        theirs.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 1)
        for number in range(50):
            theirs.sendall(b"%d\n" % number)
        theirs.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 0)
        assert read(own) == b"".join(b"%d\n" % number for number in range(50))
        with pytest.raises(BlockingIOError):
            own.recv()


def test_a_send_that_is_not_taken_is_sent_again_and_nothing_is_lost() -> None:
    octets = os.urandom(100_000)
    heard: list[bytes] = []
    with joined(trusting(), server()) as (own, theirs):
        own.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        done, hearing = own.send(octets), None
        while done < len(octets):
            try:
                done += own.send(octets[done:])
            except BlockingIOError:
                if hearing is None:
                    hearing = threading.Thread(
                        target=lambda: heard.append(take(theirs, len(octets)))
                    )
                    hearing.start()
                select.select([], [own], [], SECONDS)
        assert hearing is not None
        hearing.join()
        assert heard == [octets]
        assert own.written > len(octets)


def test_after_its_own_end_it_still_reads() -> None:
    with joined(trusting(), server()) as (own, theirs):
        own.shutdown(socket.SHUT_WR)
        assert theirs.recv(1) == b""
        theirs.sendall(b"late\n")
        assert read(own) == b"late\n"


def test_close_notify_is_an_end_and_a_cut_is_none() -> None:
    with joined(trusting(), server()) as (own, theirs):
        theirs.sendall(b"last\n")
        with pytest.raises(TimeoutError):
            theirs.settimeout(0.05)
            theirs.unwrap()  # it waits for ours when it has said its own
        assert read(own) == b"last\n"
        assert read(own) == b""
    with joined(trusting(), server()) as (own, theirs):
        theirs.sendall(b"last\n")
        socket.socket.shutdown(theirs, socket.SHUT_WR)
        assert read(own) == b"last\n"
        with pytest.raises(CutError):
            read(own)


def test_what_we_cut_is_no_end_to_others() -> None:
    with joined(trusting(), server()) as (own, theirs):
        own.cut()
        assert theirs._sslobj is not None  # type: ignore[attr-defined]
        with pytest.raises(ssl.SSLError, match=r"(?i)eof"):  # not always an SSLEOFError
            theirs._sslobj.read(1)  # type: ignore[attr-defined]


def test_what_follows_the_handshake_is_not_hidden() -> None:
    """A client's first octets come with the end of its handshake, and wake who waits for them."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        raw = socket.create_connection(listener.getsockname())
        bare, _ = listener.accept()
    client = trusting().connect(raw, "127.0.0.1")
    client.hello()
    own = serving().accept(bare)
    shaking = threading.Thread(target=own.handshake, args=[SECONDS])
    shaking.start()
    client.handshake(SECONDS)
    client.send(b"ann>\\join chat/1\n")
    shaking.join()
    with client, own:
        fence = DrainFence()
        connection = Network(Trace(), fence, "client").take("S", own)
        network = Network(Trace(), fence, "client")
        network.connections["S"] = connection
        assert network.line(connection, SECONDS) == b"ann>\\join chat/1\n"
        fence.close()


@linux
def test_cuts_are_records_and_each_is_a_read_of_its_own() -> None:
    with joined(trusting(), server()) as (own, theirs):
        reads: list[bytes] = []

        def hear() -> None:
            while sum(map(len, reads)) < 40:
                reads.append(theirs.recv(65536))

        reader = threading.Thread(target=hear)
        reader.start()
        fence = DrainFence()
        network = Network(Trace(), fence, "them")
        octets = bytes(range(1, 41))
        assert network.send(network.take("us", own), octets, list(range(1, 40)), SECONDS) == 40
        reader.join(SECONDS)
        fence.close()
        assert fence.exact
        assert reads == [bytes([each]) for each in octets]


def test_a_handshake_has_a_deadline() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        raw = socket.create_connection(listener.getsockname())
        with trusting().connect(raw, "127.0.0.1") as own, pytest.raises(TimeoutError):
            own.handshake(0.1)


@pytest.mark.parametrize(
    "octets", [b"SERVER>\\error malformed\n", b"\x16\x03\x03\0\0", b"\x16\x03\x03\xff\xff", b""]
)
def test_what_is_no_handshake_fails(octets: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        raw = socket.create_connection(listener.getsockname())
        bare, _ = listener.accept()
    with bare, trusting().connect(raw, "127.0.0.1") as own:
        bare.sendall(octets)
        bare.shutdown(socket.SHUT_WR)
        with pytest.raises(OSError):
            own.handshake(SECONDS)


# Certificates


@pytest.mark.parametrize(
    ("shows", "words"),
    [
        ("foreign", "unable to get local issuer certificate"),
        ("other name", "IP address mismatch"),
        ("common name", "IP address mismatch"),
        ("expired", "certificate has expired"),
    ],
)
def test_bad_certificates_are_bad_for_the_reason_that_they_are_named_for(
    shows: str, words: str
) -> None:
    shown = credentials.own().identities[shows]
    with pytest.raises(ssl.SSLCertVerificationError) as caught:  # noqa: SIM117
        with joined_badly(tls.server_context(shown, None, "1.3")):
            pass
    assert words in tls.words(caught.value)


@contextlib.contextmanager
def joined_badly(context: ssl.SSLContext) -> Iterator[None]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        raw = socket.create_connection(listener.getsockname())
        bare, _ = listener.accept()
    theirs = context.wrap_socket(bare, server_side=True, do_handshake_on_connect=False)

    def shake() -> None:
        with contextlib.suppress(OSError):
            theirs.do_handshake()

    shaking = threading.Thread(target=shake)
    shaking.start()
    with theirs, trusting().connect(raw, "127.0.0.1") as own:
        try:
            own.handshake(SECONDS)
        finally:
            shaking.join()
        yield


def test_who_verifies_nobody_takes_any_certificate() -> None:
    shown = credentials.own().identities["expired"]
    with joined(Tls(), tls.server_context(shown, None, "1.3")):
        pass


def test_without_trustme_a_sentence_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "trustme", None)
    monkeypatch.setattr(credentials, "own", credentials.own.__wrapped__)
    assert main(["relay", "--run", RELAY]) == 2
    assert capsys.readouterr().err == (
        "conformance: for TLS certificates are needed: pip install trustme\n"
    )


def test_certificates_are_gone_when_the_suite_has_ended() -> None:
    code = "from conformance import credentials; print(credentials.own().authority)"
    program = Program(f"{sys.executable} -c '{code}'", tty_output=False)
    assert program.ended(SECONDS) == 0
    [authority] = program.lines()
    program.kill()
    assert authority.endswith(b".pem")
    assert not Path(authority.decode()).parent.exists()


# Targets


@pytest.mark.parametrize(
    ("kind", "command", "shown", "asks"),
    [
        ("relay", "x {port} {cert} {key}", None, False),
        ("relay", "x {port} {cert} {key} {ca}", "client", True),
        ("client", "x {host} {port} {ca}", "server", False),
        ("client", "x {host} {port} {ca} {cert} {key}", "server", True),
    ],
)
def test_what_is_named_in_a_command_decides(
    kind: str, command: str, shown: str | None, asks: bool
) -> None:
    own = credentials.own()
    target = Target(kind, command)
    assert target.tls == Tls(own.authority, own.identities[shown] if shown else None, asks)
    assert target.another().tls is target.tls
    theirs = own.identities["client" if kind == "client" else "server"]
    files = {"{cert}": theirs.certificate, "{key}": theirs.key, "{ca}": own.authority}
    wanted = command.replace("{host}", "h").replace("{port}", "5")
    for place, file in files.items():
        wanted = wanted.replace(place, str(file))
    assert target.written("h", 5) == wanted


def test_without_them_there_is_no_tls() -> None:
    assert Target("relay", "x {port}").tls is None


def by_name(name: str) -> Case:
    return CASES[name]


@pytest.mark.parametrize(
    ("name", "command", "words"),
    [
        ("relay.old-version", "x {port}", "name {cert} and {key} in --run"),
        ("relay.old-version", "x {port} {cert} {key}", ""),
        ("relay.no-certificate", "x {port} {cert} {key}", "name {ca} in --run"),
        ("relay.no-certificate", "x {port} {cert} {key} {ca}", ""),
        ("client.says-that-it-leaves", "x {host} {port}", "name {ca} in --run"),
        ("client.says-that-it-leaves", "x {host} {port} {ca}", ""),
        ("relay.half-closed", "x {port} {cert} {key}", spec.NOT_JUDGED),
        ("relay.half-closed", "x {port}", ""),
        ("relay.endings", "x {port} {cert} {key}", ""),
    ],
)
def test_cases_need_tls_or_none(name: str, command: str, words: str) -> None:
    case = CASES[name]
    why = unfit(case, Target(case.kind, command))
    assert words in why
    assert bool(words) == bool(why)


def test_what_is_not_judged_over_tls_stands_in_the_specification() -> None:
    assert spec.not_over_tls() == {"CLOSE-1", "CLOSE-2", "CLOSE-6"}


# By hand


def commands(script: Script, kind: str = "relay", asks: bool = False) -> list[str]:
    return replay.by_hand(script.operations, kind, Tls(asks=asks))


def test_by_hand_it_is_openssl() -> None:
    script = Script().connect("A").send("A", b"a>x\n")
    [command] = commands(script)
    assert command == r"(printf 'a>x\n'; cat) | openssl s_client -quiet -connect localhost:$PORT"
    [command] = commands(script, asks=True)
    assert "-cert CERT -key KEY" in command
    [server, _] = commands(Script(), "client")
    assert server.endswith("| openssl s_server -quiet -cert CERT -key KEY -accept $PORT")


def test_by_hand_an_intruder_does_what_he_does_in_the_case() -> None:
    for how, wanted in (
        ({"bare": True}, "nc -N localhost $PORT"),
        ({"version": "1.2"}, "openssl s_client -quiet -tls1_2 -connect localhost:$PORT"),
        ({"shows": "nothing"}, "openssl s_client -quiet -connect localhost:$PORT"),
    ):
        script = Script().add("turned_away", at="A", octets=b"a>x\n", **how)
        [command] = commands(script, asks="shows" in how)
        assert command == rf"(printf 'a>x\n'; cat) | {wanted}"


# Runs


def judged(directory: Path, *arguments: str) -> tuple[int, dict[str, set[str]], str]:
    """The exit status, the verdicts of each requirement, and the remarks."""
    with contextlib.redirect_stdout(io.StringIO()):
        status = main([*arguments, "--patience", "4", "--report", str(directory)])
    report = json.loads((directory / "report.json").read_text(encoding="utf-8"))
    found: dict[str, set[str]] = {}
    for row in report["results"]:
        found.setdefault(row["requirement"], set()).add(row["verdict"])
    return status, found, " ".join(report["remarks"])


def test_a_relay_over_tls_passes(tmp_path: Path) -> None:
    only = [f"--only={each}" for each in ("RELAY-1", "CLOSE-6", "TLS-*")]
    status, found, remarks = judged(tmp_path, "relay", "--run", ASKING, *only)
    assert status == 0
    assert found.pop("CLOSE-6") == found.pop("TLS-5") == {"NOT TESTED"}
    assert set(found) == {"RELAY-1", *(f"TLS-{number}" for number in (1, 2, 3, 4, 7, 8))}
    assert all(each == {"PASS"} for each in found.values())
    assert "all octets here are those inside" in remarks


def test_a_client_over_tls_passes(tmp_path: Path) -> None:
    only = [f"--only={each}" for each in ("CLIENT-9", "CLOSE-1", "TLS-*")]
    status, found, _ = judged(tmp_path, "client", "--run", CLIENT, *only)
    assert status == 0
    assert found.pop("CLOSE-1") == {"NOT TESTED"}
    assert set(found) == {"CLIENT-9", "TLS-1", "TLS-6", "TLS-7", "TLS-8"}
    assert all(each == {"PASS"} for each in found.values())


def test_without_tls_nothing_is_said_of_it(tmp_path: Path) -> None:
    plain = f"{SUBJECTS}.relay {{port}}"
    status, found, _ = judged(tmp_path, "relay", "--run", plain, "--only", "TLS-*")
    assert status == 5
    assert set().union(*found.values()) == {"NOT TESTED"}


@contextlib.contextmanager
def running(*, asking: bool) -> Iterator[int]:
    """A relay that somebody else has started, and its port."""
    target = Target("relay", ASKING if asking else RELAY)
    port = free_port()
    program = Program(target.written("127.0.0.1", port))
    try:
        assert wait_listening(port, program, SECONDS)
        yield port
    finally:
        program.kill()


Options = Callable[[], list[str]]


def no_options() -> list[str]:
    return []


def trusted() -> list[str]:
    return ["--ca", credentials.own().authority]


def known() -> list[str]:
    shown = credentials.own().identities["client"]
    return [*trusted(), "--cert", shown.certificate, "--key", str(shown.key)]


@pytest.mark.parametrize(
    ("options", "certificates"), [(no_options, False), (trusted, False), (known, True)]
)
def test_a_relay_that_runs_already(tmp_path: Path, options: Options, certificates: bool) -> None:
    with running(asking=certificates) as port:
        arguments = ["relay", f"tls://127.0.0.1:{port}", *options()]
        only = ["--only", "RELAY-2", "--only", "TLS-[37]"]
        status, found, remarks = judged(tmp_path, *arguments, *only)
    assert status == 0
    assert found["RELAY-2"] == found["TLS-7"] == {"PASS"}
    assert found["TLS-3"] == ({"PASS"} if certificates else {"NOT TESTED"})
    assert ("not verified" in remarks) == (options is no_options)


def test_a_relay_that_is_not_trusted_is_not_tested(tmp_path: Path) -> None:
    stranger = credentials.own().identities["foreign"].certificate
    with running(asking=False) as port:
        address = f"tls://127.0.0.1:{port}"
        status, found, _ = judged(tmp_path, "relay", address, "--ca", stranger, "--only", "TLS-1")
    assert status == 3
    assert found == {"TLS-1": {"NOT TESTED"}}


def test_a_failure_over_tls_is_replayed_over_tls(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mutant = RELAY.replace("{port}", "--bug=cut-unnoticed {port}")
    run = ["relay", "--run", mutant, "--only", "TLS-8", "--patience", "0.4"]
    assert main([*run, "--report", str(tmp_path)]) == 1
    assert "TLS-8" in capsys.readouterr().out
    [saved] = map(str, (tmp_path / "replay").iterdir())
    assert main(["replay", saved, "--run", mutant, "--patience", "0.4"]) == 1
    assert main(["replay", saved, "--run", RELAY]) == 0
    assert main(["replay", saved, "--run", f"{SUBJECTS}.relay {{port}}"]) == 3
    assert "does not use TLS" in capsys.readouterr().err


def test_an_end_of_both_directions_at_once_is_no_failure(tmp_path: Path) -> None:
    target = RELAY.replace("{port}", "--odd=ends-both-directions {port}")
    only = [f"--only={each}" for each in ("CLOSE-*", "ERR-3", "TLS-7")]
    status, found, _ = judged(tmp_path, "relay", "--run", target, *only)
    assert status == 0
    assert found["CLOSE-1"] == found["CLOSE-6"] == {"NOT TESTED"}
    assert found["TLS-7"] == {"PASS"}


@pytest.mark.parametrize(
    ("status", "raised"), [(0, UnsupportedError), (1, Deviation), (None, UnsupportedError)]
)
def test_who_ends_both_directions_may_end_then(status: int | None, raised: type[Exception]) -> None:
    """And it does not matter whether that was sooner than it was looked at."""
    finder = Finder(Target("client", CLIENT), patience=1, shrink_patience=1)
    executor = Executor(finder.target, finder.fence, 1, ["CLOSE-1"])
    executor.own_program = Program("cat" if status is None else f"sh -c 'exit {status}'")
    if status is not None:
        assert executor.own_program.ended(SECONDS) == status
    with pytest.raises(raised):
        executor.deviate({"op": "reads_on", "at": "S"}, "closed early", "it closed", "that not")
    executor.own_program.kill()
    finder.fence.close()


def test_a_case_that_cannot_be_tried_starts_nothing() -> None:
    target = Target("relay", "no-such-program {port}")
    finder = Finder(target, patience=1, shrink_patience=1)
    outcome = finder.run(CASES["relay.old-version"], 1, 0, time.monotonic() + SECONDS)
    finder.fence.close()
    assert "does not use TLS" in outcome.unsupported
    assert not target.starts
