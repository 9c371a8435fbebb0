"""A browser and an address in rough words, by which people know their own sign-ins apart."""

import ipaddress

# The first that stands in a User-Agent is meant: the others are there to please old pages.
FAMILIES = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("FxiOS", "Firefox"),
    ("CriOS", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
    ("curl/", "curl"),
)
SYSTEMS = (
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS", "Mac"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)


def browser_in_words(agent: str) -> str:
    """Return family and system of a User-Agent, such as "Firefox on Linux"."""
    family = next((name for sign, name in FAMILIES if sign in agent), "Another browser")
    system = next((name for sign, name in SYSTEMS if sign in agent), "")
    return f"{family} on {system}" if system else family


def address_in_words(address: str | None) -> str:
    """Return an address roughly: its network, not the one machine."""
    try:
        found = ipaddress.ip_address(address or "")
    except ValueError:
        return ""
    if found.is_loopback:
        return "this machine"
    if found.version == 4:
        return ".".join([*str(found).split(".")[:3], "…"])
    return ":".join([*found.exploded.split(":")[:3], "…"])
