"""Addresses and rules of the embedded engine's bridge."""

from __future__ import annotations

import socket
import struct
from ipaddress import IPv4Network
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bakehouse.engine.embedded.bridge import SUBNETS, Bridge, bridge_name, default_mtu, forget_networks, free_subnet
from bakehouse.errors import EngineError

HEAD = "Iface Destination Gateway Flags RefCnt Use Metric Mask MTU Window IRTT\n"


def routes(*networks: str, interface: str = "eth0") -> str:
    rows = []
    for text in networks:
        network = IPv4Network(text)
        destination, mask = (
            f"{struct.unpack('<I', socket.inet_aton(str(part)))[0]:08X}"
            for part in (network.network_address, network.netmask)
        )
        rows.append(f"{interface} {destination} 00000000 0001 0 0 0 {mask} 0 0 0\n")
    return HEAD + "".join(rows)


def test_the_first_free_subnet_is_taken_and_the_default_route_does_not_count() -> None:
    assert free_subnet(routes("0.0.0.0/0", "172.17.0.0/16")) == SUBNETS[0]


def test_a_vpn_that_routes_all_of_ten_is_no_obstacle() -> None:
    assert free_subnet(routes("10.0.0.0/8")) == IPv4Network("172.31.77.0/24")


def test_where_all_is_taken_it_says_what_to_do() -> None:
    with pytest.raises(EngineError, match="DOCKER_HOST"):
        free_subnet(routes("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "198.18.0.0/15"))


@given(
    st.lists(
        st.builds(
            lambda address, prefix: str(IPv4Network((address, prefix), strict=False)),
            st.ip_addresses(v=4),
            st.integers(9, 32),
        )
    )
)
def test_the_chosen_subnet_never_overlaps_a_route(networks: list[str]) -> None:
    try:
        chosen = free_subnet(routes(*networks))
    except EngineError:
        return
    assert not any(chosen.overlaps(IPv4Network(network)) for network in networks)


def test_rules_concern_only_our_addresses_and_carry_our_name() -> None:
    bridge = Bridge(name="bakehouse-12345", subnet=IPv4Network("10.210.77.0/24"))
    assert bridge.address == "10.210.77.1"
    for rule in bridge.rules():
        assert "10.210.77.0/24" in rule
        assert "bakehouse-12345" in rule


def test_a_name_fits_the_kernel_and_differs_by_folder() -> None:
    first, second = bridge_name(Path("/home/a/engine")), bridge_name(Path("/home/b/engine"))
    assert first != second
    assert len(first) <= 15


def test_the_mtu_is_that_of_the_way_out() -> None:
    loopback = int(Path("/sys/class/net/lo/mtu").read_text())
    assert default_mtu(routes("10.0.0.0/8", "0.0.0.0/0", interface="lo")) == loopback
    assert default_mtu(routes("10.0.0.0/8", interface="lo")) is None
    assert default_mtu(routes("0.0.0.0/0", interface="no-such0")) is None


def test_remembered_networks_are_forgotten(tmp_path: Path) -> None:
    memory = tmp_path / "network/files/local-kv.db"
    memory.parent.mkdir(parents=True)
    memory.write_bytes(b'\0{"BridgeName":"br-000000000000","BridgeName":"docker0"}\0')
    forget_networks(tmp_path)
    assert not memory.exists()
    forget_networks(tmp_path)
