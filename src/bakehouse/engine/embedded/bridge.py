"""The embedded engine's own network bridge and its three firewall rules.

Docker's defaults (docker0, and chains that each dockerd flushes when it starts) belong to whatever engine the machine
has or will get. So ours runs with `"iptables": false` on a bridge of its own, and what Docker would do for that bridge
is done here: translate addresses of what leaves, and let it be forwarded. Published ports go through docker-proxy.
`default-address-pools` must stay unset: with it, dockerd deletes docker0 when it starts, whosever it is.

The bridge is made with the kernel's own calls, since iproute2 is often missing; see netdevice(7).
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import ipaddress
import re
import socket
import struct
from dataclasses import dataclass
from pathlib import Path

from bakehouse.errors import EngineError
from bakehouse.system import process

SUBNETS = tuple(
    ipaddress.IPv4Network(text)
    for text in (
        *(f"10.{second}.77.0/24" for second in range(210, 240)),
        *(f"172.{second}.77.0/24" for second in range(31, 19, -1)),
        *(f"192.168.{third}.0/24" for third in range(240, 220, -1)),
        "198.19.77.0/24",
    )
)
"""Tried in order; the first that no route of this machine overlaps. A VPN may well route all of 10.0.0.0/8."""

_ADD_BRIDGE, _DELETE_BRIDGE = 0x89A0, 0x89A1
_SET_ADDRESS, _SET_MASK, _GET_FLAGS, _SET_FLAGS, _GET_MTU = 0x8916, 0x891C, 0x8913, 0x8914, 0x8921
_UP = 0x1
_NETWORKS = Path("network/files/local-kv.db")
"""Where dockerd remembers its networks, below its data root; JSON inside a bolt database."""
_RULE_TIMEOUT = 30.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Bridge:
    name: str
    subnet: ipaddress.IPv4Network

    @property
    def address(self) -> str:
        """The machine's own address on it."""
        return str(self.subnet[1])

    def rules(self) -> tuple[tuple[str, ...], ...]:
        """Return the firewall rules as iptables takes them: table, chain, rule. The comment tells them for ours."""
        ours, mark = str(self.subnet), ("-m", "comment", "--comment", self.name)
        answers = ("-m", "conntrack", "--ctstate", "RELATED,ESTABLISHED")
        return (
            ("nat", "POSTROUTING", "-s", ours, "!", "-d", ours, *mark, "-j", "MASQUERADE"),
            ("filter", "FORWARD", "-s", ours, *mark, "-j", "ACCEPT"),
            ("filter", "FORWARD", "-d", ours, *answers, *mark, "-j", "ACCEPT"),
        )


def bridge_name(engine: Path) -> str:
    """One name for each engine folder; the kernel allows 15 letters."""
    return f"bakehouse-{hashlib.sha256(bytes(engine)).hexdigest()[:5]}"


def create_bridge(name: str, *, routes: str) -> Bridge:
    """Make the bridge and its rules, from scratch. Raises EngineError with what is missing."""
    remove_bridge(name)
    bridge = Bridge(name=name, subnet=free_subnet(routes))
    try:
        with _control() as control:
            fcntl.ioctl(control, _ADD_BRIDGE, name.encode())
            for request, address in ((_SET_ADDRESS, bridge.address), (_SET_MASK, str(bridge.subnet.netmask))):
                fcntl.ioctl(control, request, _address_request(name, address))
            _set_up(control, name, up=True)
    except OSError as error:
        raise EngineError(
            f"cannot make the network bridge {name}: {error}",
            hint="The embedded engine needs the rights of a full root (CAP_NET_ADMIN). "
            "In a container: run it with --privileged, or give it an engine through DOCKER_HOST.",
        ) from error
    try:
        for table, chain, *rule in bridge.rules():
            _iptables("-t", table, "-I", chain, *rule)
    except BaseException:
        remove_bridge(name)
        raise
    return bridge


def remove_bridge(name: str) -> None:
    """Take the bridge and its rules away; nothing happens where there is none."""
    if process.find("iptables") is not None:
        for table in ("nat", "filter"):
            _remove_rules(table, name)
    _delete(name)


def forget_networks(data: Path) -> None:
    """Take away what dockerd (which must have ended) leaves of the networks that people made, and its memory of all.

    It leaves their interfaces for good, and gives a remembered default bridge the addresses of the last time, which
    may be taken by now.
    """
    memory = data / _NETWORKS
    try:
        names = set(re.findall(rb'"BridgeName":"(br-[0-9a-f]{12})"', memory.read_bytes()))
    except OSError:
        return
    for name in sorted(names):
        _delete(name.decode())
    memory.unlink()


def free_subnet(routes: str) -> ipaddress.IPv4Network:
    """Choose a subnet that overlaps no route of `/proc/net/route`. Raises EngineError where all are taken."""
    taken = [network for network in _networks(routes) if network.prefixlen > 0]
    for subnet in SUBNETS:
        if not any(subnet.overlaps(network) for network in taken):
            return subnet
    raise EngineError(
        "no free addresses for the embedded engine: this machine routes all private networks",
        hint="Use an engine of your own, through DOCKER_HOST.",
    )


def default_mtu(routes: str) -> int | None:
    """MTU of the way out; a larger one in containers loses large packets where path MTU discovery is filtered."""
    for line in routes.splitlines()[1:]:
        interface, destination, *_ = line.split()
        if int(destination, 16) == 0:
            with contextlib.suppress(OSError), _control() as control:
                answer = fcntl.ioctl(control, _GET_MTU, struct.pack("16si12x", interface.encode(), 0))
                return int(struct.unpack("16si12x", answer)[1])
    return None


def _networks(routes: str) -> list[ipaddress.IPv4Network]:
    found = []
    for line in routes.splitlines()[1:]:
        fields = line.split()
        destination, mask = (struct.pack("<I", int(fields[column], 16)) for column in (1, 7))
        prefix = int.from_bytes(mask).bit_count()
        found.append(ipaddress.IPv4Network((destination, prefix), strict=False))
    return found


def _remove_rules(table: str, name: str) -> None:
    listed = process.run(["iptables", "-w", "-t", table, "-S"], check=False, timeout=_RULE_TIMEOUT)
    for line in listed.stdout.splitlines():
        words = line.split()
        if words[0] == "-A" and name in words:
            process.run(["iptables", "-w", "-t", table, "-D", *words[1:]], check=False, timeout=_RULE_TIMEOUT)


def _iptables(*args: str) -> None:
    try:
        process.run(["iptables", "-w", *args], timeout=_RULE_TIMEOUT)
    except process.MissingProgramError as error:
        raise EngineError(
            "the embedded engine needs iptables, so that build steps reach the network", hint=error.hint
        ) from error
    except process.ProgramError as error:
        raise EngineError(
            f"the firewall rules of the embedded engine were refused: {error.stderr}",
            hint="It needs the kernel's iptables (or nf_tables) with NAT, and full root rights.",
        ) from error


def _control() -> socket.socket:
    return socket.socket(socket.AF_INET, socket.SOCK_DGRAM)


def _address_request(name: str, address: str) -> bytes:
    return struct.pack("16sH2x4s8x", name.encode(), socket.AF_INET, socket.inet_aton(address))


def _delete(name: str) -> None:
    if name in (interface for _, interface in socket.if_nameindex()):
        with contextlib.suppress(OSError), _control() as control:
            _set_up(control, name, up=False)
            fcntl.ioctl(control, _DELETE_BRIDGE, name.encode())


def _set_up(control: socket.socket, name: str, *, up: bool) -> None:
    request = struct.pack("16sh14x", name.encode(), 0)
    flags = struct.unpack("16sh14x", fcntl.ioctl(control, _GET_FLAGS, request))[1]
    flags = flags | _UP if up else flags & ~_UP
    fcntl.ioctl(control, _SET_FLAGS, struct.pack("16sh14x", name.encode(), flags))
