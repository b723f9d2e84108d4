"""All checks. ``nox`` runs them, ``nox -l`` lists them, ``nox -s NAME`` runs one."""

import shutil
import sys
from pathlib import Path

import nox

nox.needs_version = ">=2024.4.15"
nox.options.default_venv_backend = "virtualenv"
nox.options.reuse_existing_virtualenvs = True

SIDE_BY_SIDE = ("-n", "2", "--dist", "loadfile")
PATIENT = ("--patience", "4")
"""For a machine that does other things as well: an answer may take so much longer."""
"""Two processes of pytest, since tests mostly wait; those of a file share what it has made."""

PROJECT = nox.project.load_toml("pyproject.toml")


def install(session: nox.Session, *groups: str) -> None:
    session.install(
        "--editable", ".[programs,conformance]", *nox.project.dependency_groups(PROJECT, *groups)
    )


@nox.session
def lint(session: nox.Session) -> None:
    """Style and common mistakes (ruff); are the drawn diagrams up to date?"""
    install(session, "lint")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("python", "tools/draw_states.py", "--check")


@nox.session
def types(session: nox.Session) -> None:
    """Static types (mypy, strict)."""
    install(session, "types", "test", "bench", "endurance")
    session.run("mypy")


@nox.session
def tests(session: nox.Session) -> None:
    """Everything under tests/ (pytest); arguments are passed on."""
    install(session, "test", "endurance")
    session.run("make", "-s", "-C", "c_client", "all", external=True)
    session.run("pytest", *SIDE_BY_SIDE, *session.posargs)


@nox.session
def c(session: nox.Session) -> None:
    """The C client under AddressSanitizer and UBSan, analysers, and coverage."""
    install(session, "test")
    session.run("make", "-s", "-C", "c_client", "sanitize", "analyze", "coverage", external=True)
    session.run(
        "pytest",
        *SIDE_BY_SIDE,
        "tests/test_c_client.py",
        "tests/test_c_tls.py",
        env={"CHATCLIENT": "c_client/build/sanitize/chatclient"},
    )


@nox.session
def compilers(session: nox.Session) -> None:
    """The C client with clang and with musl, where they are."""
    for compiler, line_editor in (("clang", "auto"), ("musl-gcc", "none")):
        if shutil.which(compiler) is None:
            session.log(f"{compiler} is not here: not built with it")
            continue
        build = f"build/{compiler}"
        session.run(
            *("make", "-s", "-C", "c_client", f"CC={compiler}", f"LINE_EDITOR={line_editor}"),
            *(f"BUILD={build}", f"CLIENT={build}/chatclient", "all", "test"),
            external=True,
        )


@nox.session
def hosts(session: nox.Session) -> None:
    """Server and client on two hosts (network namespaces); says so where it may not."""
    install(session)
    session.run("make", "-s", "-C", "c_client", "chatclient", external=True)
    session.run("python", "tools/two_hosts.py", success_codes=[0, 77])


@nox.session
def faults(session: nox.Session) -> None:
    """The programs under faults, in short; all of them: nox -s faults -- --seed 1."""
    install(session)
    session.run("make", "-s", "-C", "c_client", "chatclient", external=True)
    arguments = session.posargs or ["--quick"]
    session.run("python", "-m", "endurance.faults", *arguments, success_codes=[0, 77])


@nox.session
def fuzz(session: nox.Session) -> None:
    """The C core, the Python core and the suite under libFuzzer: nox -s fuzz -- --seconds 600."""
    install(session, "test", "fuzz")
    session.run("python", "-m", "fuzz", *session.posargs)


@nox.session(default=False)
def bench(session: nox.Session) -> None:
    """The relay and the codec beside other servers and a floor in C; arguments are passed on."""
    install(session, "bench")
    session.run("python", "-m", "bench", *session.posargs)


def endure(session: nox.Session, what: str) -> None:
    if sys.platform != "linux":
        session.skip("memory and descriptors are read from /proc, which is Linux's")
    install(session, "endurance")
    session.run("python", "-m", f"endurance.{what}", *session.posargs)


@nox.session
def soak(session: nox.Session) -> None:
    """Our servers under a steady load, two minutes or -- --minutes M: nothing may grow."""
    endure(session, "soak")


@nox.session
def hostile(session: nox.Session) -> None:
    """Hostile inputs at our servers, 500 of every class or -- --inputs N; nobody else notices."""
    endure(session, "hostile")


@nox.session
def conformance(session: nox.Session) -> None:
    """The suite over our own programs, or over yours: nox -s conformance -- relay tcp://HOST:PORT."""
    install(session)
    if session.posargs:
        session.run("python", "-m", "conformance", *session.posargs)
        return
    session.run("make", "-s", "-C", "c_client", "chatclient", external=True)
    for kind, command in (
        ("relay", "python -m reference.relayserver {port}"),
        ("turns", "python -m reference.chatserver {port}"),
        ("client", "python -m reference.chatclient {host} {port}"),
        ("client", "c_client/chatclient {host} {port}"),
    ):
        session.run("python", "-m", "conformance", kind, "--run", command, *PATIENT)
    server = "{port} --tls-cert {cert} --tls-key {key} --tls-client-ca {ca}"
    client = "--tls --ca {ca} --cert {cert} --key {key} {host} {port}"
    over_tls = [
        ("relay", f"python -m reference.relayserver {server}"),
        ("turns", f"python -m reference.chatserver {server}"),
        ("client", f"python -m reference.chatclient {client}"),
    ]
    said = session.run("c_client/chatclient", "--version", silent=True, external=True)
    if said and "TLS: OpenSSL" in said:
        over_tls.append(("client", f"c_client/chatclient {client}"))
    else:
        session.log("the C client was built without OpenSSL: not tested over TLS")
    for kind, command in over_tls:
        of_tls = ("--profile", "standard", "--only", "TLS-*")
        session.run("python", "-m", "conformance", kind, "--run", command, *of_tls, *PATIENT)


@nox.session
def selftest(session: nox.Session) -> None:
    """The suite, installed alone, against programs with known bugs and legal oddities."""
    session.install("./conformance[tls]")
    mutants = Path("c_client/build/mutants/list.toml").absolute()
    session.run("make", "-s", "-C", "c_client", "mutants", "PYTHON=python", external=True)
    with session.chdir(session.create_tmp()):  # nothing of this directory can be imported there
        session.run("python", "-m", "conformance", "selftest", "--quiet", "--also", str(mutants),
                    *session.posargs)  # fmt: skip
