"""No address of ours, however it is written."""

import pytest

from bridge.fetching import is_public, is_public_host


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.255.255.254",
        "0.0.0.0",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",  # the metadata of AWS, GCP, Azure
        "100.100.100.200",  # of Alibaba
        "100.64.0.1",
        "192.0.0.192",  # of Oracle
        "168.63.129.16",  # of Azure's virtual machines
        "198.18.0.1",
        "224.0.0.1",
        "239.255.255.250",
        "255.255.255.255",
        "240.0.0.1",
        "::",
        "::1",
        "fe80::1",
        "fe80::1%eth0",
        "fc00::1",
        "fd00:ec2::254",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "::127.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::1",
        "2002:7f00:1::",
        "2002:a9fe:a9fe::1",
        "2001:0:0:0:0:0:80ff:fffe",
        "2001:db8::1",
        "",
        "localhost",
        "no address",
    ],
)
def test_it_is_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "address",
    ["1.1.1.1", "8.8.8.8", "93.184.216.34", "2606:4700:4700::1111", "::ffff:8.8.8.8"],
)
def test_it_is_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    ("host", "public"),
    [
        ("example.org", True),
        ("8.8.8.8", True),
        ("2606:4700:4700::1111", True),
        ("face.cafe", True),
        ("localhost", False),
        ("printer", False),
        ("printer.local", False),
        ("metadata.google.internal.", False),
        ("127.0.0.1", False),
        ("127.1", False),
        ("0x7f.0.0.1", False),
        ("2130706433", False),
        ("127.0x0.0.1", False),
        ("127.0.0.0x1", False),
        ("127.0.0.1.", False),
        ("１２７.0.0.1", False),
        ("127。0。0。1", False),
        ("ｌocalhost", False),
        ("x.0x7f000001", False),
        ("fe80::1%eth0", False),
        ("1.1.1.1.", True),
        ("::1", False),
        ("", False),
    ],
)
def test_a_platform_is_told_of_hosts_that_it_can_reach(host: str, public: bool) -> None:
    assert is_public_host(host) is public
