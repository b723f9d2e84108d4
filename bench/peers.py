"""Other people's servers: how each is configured and started, as data.

Everything that would limit or delay a talkative client on purpose is off: flood
protection, look-ups of names, limits of connections, Nagle's algorithm where there is a
setting. ``{queue}`` is the bound of what waits for a slow receiver.
"""

from attrs import frozen


@frozen
class Peer:
    """A server of another project."""

    name: str
    program: str
    protocol: str
    """As the load generator calls it."""
    arguments: tuple[str, ...]
    version: tuple[str, ...]
    """Arguments with which it tells its version."""
    configuration: str
    together: int = 8
    """Connections that may be getting in at a time: more than its backlog takes long, and so
    do few where it lets people in once a second only."""


_INSPIRCD = """\
<config format="xml">
<server name="bench.local" description="bench" network="bench" id="001">
<admin name="bench" nick="bench" email="bench@bench.local">
<bind address="127.0.0.1" port="{port}" type="clients">
<connect name="all" allow="*" timeout="60" pingfreq="3600" resolvehostnames="no"
 usestsprefix="no" fakelag="no" threshold="1000000000" commandrate="1000000000"
 recvq="1048576" hardsendq="{queue}" softsendq="{queue}" localmax="20000" globalmax="20000"
 maxconnwarn="no" useconnectban="no" useconnflood="no" limit="20000">
<performance softlimit="20000" somaxconn="1024" netbuffersize="65534" quietbursts="yes">
<pid file="{directory}/inspircd.pid">
<log method="file" type="* -USERINPUT -USEROUTPUT" level="default" target="{directory}/log">
"""

_NGIRCD = """\
[Global]
Name = bench.local
Info = bench
AdminInfo1 = bench
Listen = 127.0.0.1
Ports = {port}
MotdPhrase = bench
[Limits]
MaxConnections = 0
MaxConnectionsIP = 0
MaxJoins = 0
MaxPenaltyTime = 0
PingTimeout = 3600
PongTimeout = 3600
[Options]
DNS = no
Ident = no
PAM = no
"""

_REDIS = """\
bind 127.0.0.1
port {port}
tcp-backlog 1024
dir {directory}
save ""
appendonly no
loglevel warning
maxclients 15000
client-output-buffer-limit pubsub {queue} {queue} 0
client-output-buffer-limit normal {queue} {queue} 0
"""

_NATS = """\
host: 127.0.0.1
port: {port}
max_connections: 20000
max_pending: {queue}
write_deadline: "60s"
ping_interval: "60m"
"""

_MOSQUITTO = """\
listener {port} 127.0.0.1
allow_anonymous true
persistence false
set_tcp_nodelay true
max_queued_messages 0
max_queued_bytes 0
sys_interval 0
log_dest none
"""

PEERS = (
    Peer("ngircd", "ngircd", "irc", ("-n", "-f", "{file}"), ("--version",), _NGIRCD),
    Peer(
        "inspircd",
        "inspircd",
        "irc",
        ("--nofork", "--config={file}"),
        ("--version",),
        _INSPIRCD,
        together=256,
    ),
    Peer("redis", "redis-server", "redis", ("{file}",), ("--version",), _REDIS),
    Peer("nats", "nats-server", "nats", ("-c", "{file}"), ("--version",), _NATS),
    Peer("mosquitto", "mosquitto", "mqtt", ("-c", "{file}"), ("-h",), _MOSQUITTO),
)
