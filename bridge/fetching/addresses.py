"""Which addresses of the internet belong to everybody: pure."""

import re
import unicodedata
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network

# https://www.rfc-editor.org/rfc/rfc6052 and rfc8215: IPv4 behind a translator.
_NAT64 = (IPv6Network("64:ff9b::/96"), IPv6Network("64:ff9b:1::/48"))
# Then it is an IPv4 address, however written (https://url.spec.whatwg.org/#ends-in-a-number-checker).
_ENDS_IN_NUMBER = re.compile(r"(?:\A|\.)(?:[0-9]+|0x[0-9a-f]*)\Z")
_OUR_NAMES = (".localhost", ".local", ".internal", ".lan", ".home.arpa")
_COMPATIBLE = IPv6Network("::/96")  # how IPv4 was written into IPv6 once (RFC 4291)
# What Python 3.11 takes for public: protocol assignments (RFC 6890, Oracle's metadata among them),
# relays of 6to4, documentation (RFC 9637), SRv6 (RFC 9602), sites (RFC 3879); and one address that
# is public by number and Azure's own by use.
_NOT_PUBLIC = tuple(
    map(
        ip_network,
        (
            "192.0.0.0/24",
            "192.88.99.0/24",
            "168.63.129.16/32",
            "3fff::/20",
            "5f00::/16",
            "fec0::/10",
        ),
    )
)


def is_public(address: str) -> bool:
    """Tell whether an address may be read from by anybody.

    Not this machine, not its network, not a cloud's metadata (169.254.169.254, fd00:ec2::254),
    no multicast, nothing reserved, and none of these in the disguise of an IPv6 address.
    """
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(found, IPv6Address) and (inner := _inner(found)) is not None:
        return _is_public(inner) and found not in _NAT64[1]
    return _is_public(found)


def is_public_host(host: str) -> bool:
    """Tell whether a host looks like one that others can reach: nothing is looked up."""
    # As those who look it up will read it: full-width digits and Chinese dots are plain ones there.
    host = unicodedata.normalize("NFKC", host).replace("。", ".").lower().rstrip(".")
    if ":" in host or _ENDS_IN_NUMBER.search(host):
        return is_public(host)
    return "." in host.strip(".") and not host.endswith(_OUR_NAMES)


def _is_public(address: IPv4Address | IPv6Address) -> bool:
    if any(address in network for network in _NOT_PUBLIC):
        return False
    return address.is_global and not (
        address.is_multicast or address.is_reserved or address.is_unspecified
    )


def _inner(address: IPv6Address) -> IPv4Address | None:
    """The IPv4 address that an IPv6 one stands for."""
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if address.teredo is not None:
        return address.teredo[1]
    if address in _COMPATIBLE or any(address in net for net in _NAT64):
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return None
