"""The embedded engine's own network bridge and its three firewall rules.

Docker's defaults (docker0, and chains that each dockerd flushes when it starts) belong to whatever engine the machine
has or will get. So ours runs with `"iptables": false` on a bridge of its own. What Docker would do for it is done here:
translate addresses of what leaves, and let it be forwarded. Published ports go through docker-proxy.

The bridge is made with the kernel's own calls, since iproute2 is often missing; see netdevice(7).
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import ipaddress
import socket
import struct
from dataclasses import dataclass
from pathlib import Path

from bakehouse.engine import process
from bakehouse.errors import EngineError

SUBNETS = tuple(ipaddress.IPv4Network(f"10.{second}.{third}.0/24") for third in (77, 177) for second in range(210, 240))
"""Tried in order; the first that no route of this machine overlaps."""

_ADD_BRIDGE, _DELETE_BRIDGE = 0x89A0, 0x89A1
_SET_ADDRESS, _SET_MASK, _GET_FLAGS, _SET_FLAGS = 0x8916, 0x891C, 0x8913, 0x8914
_UP = 0x1
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
        """Return the firewall rules as iptables takes them: table, chain, rule."""
        return (
            ("nat", "POSTROUTING", "-s", str(self.subnet), "!", "-o", self.name, "-j", "MASQUERADE"),
            ("filter", "FORWARD", "-i", self.name, "-j", "ACCEPT"),
            (
                "filter",
                "FORWARD",
                "-o",
                self.name,
                "-m",
                "conntrack",
                "--ctstate",
                "RELATED,ESTABLISHED",
                "-j",
                "ACCEPT",
            ),
        )


def bridge_name(engine: Path) -> str:
    """One name for each engine folder; the kernel allows 15 letters."""
    return f"bakehouse-{hashlib.sha256(bytes(engine)).hexdigest()[:5]}"


def create_bridge(name: str, *, net: Path = Path("/")) -> Bridge:
    """Make the bridge and its rules, from scratch. Raises EngineError with what is missing."""
    remove_bridge(name, net=net)
    bridge = Bridge(name=name, subnet=free_subnet((net / "proc/net/route").read_text(encoding="ascii")))
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
        remove_bridge(name, net=net)
        raise
    return bridge


def remove_bridge(name: str, *, net: Path = Path("/")) -> None:
    """Take the bridge and its rules away; nothing happens where there is none."""
    if process.find("iptables") is not None:
        for table in ("nat", "filter"):
            _remove_rules(table, name)
    if not (net / "sys/class/net" / name).exists():
        return
    with contextlib.suppress(OSError), _control() as control:
        _set_up(control, name, up=False)
        fcntl.ioctl(control, _DELETE_BRIDGE, name.encode())


def free_subnet(routes: str) -> ipaddress.IPv4Network:
    """Choose a subnet that overlaps no route of `/proc/net/route`. Raises EngineError where all are taken."""
    taken = [network for network in _networks(routes) if network.prefixlen > 0]
    for subnet in SUBNETS:
        if not any(subnet.overlaps(network) for network in taken):
            return subnet
    raise EngineError(
        f"no free subnet for the embedded engine: routes cover all of {SUBNETS[0]} to {SUBNETS[-1]}",
        hint="Use an engine of your own, through DOCKER_HOST.",
    )


def default_mtu(*, net: Path = Path("/")) -> int | None:
    """MTU of the way out; a larger one in containers loses large packets where path MTU discovery is filtered."""
    for line in (net / "proc/net/route").read_text(encoding="ascii").splitlines()[1:]:
        interface, destination, *_ = line.split()
        if int(destination, 16) == 0:
            with contextlib.suppress(OSError, ValueError):
                return int((net / "sys/class/net" / interface / "mtu").read_text(encoding="ascii"))
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


def _set_up(control: socket.socket, name: str, *, up: bool) -> None:
    request = struct.pack("16sh14x", name.encode(), 0)
    flags = struct.unpack("16sh14x", fcntl.ioctl(control, _GET_FLAGS, request))[1]
    flags = flags | _UP if up else flags & ~_UP
    fcntl.ioctl(control, _SET_FLAGS, struct.pack("16sh14x", name.encode(), flags))
