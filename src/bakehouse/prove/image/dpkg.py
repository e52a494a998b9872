"""Debian's list of installed packages."""

from __future__ import annotations


def installed(status: str) -> dict[str, str]:
    """Name to version, from the text of `/var/lib/dpkg/status`. Of one package for two architectures: the last."""
    packages: dict[str, str] = {}
    for paragraph in status.split("\n\n"):
        fields = {
            name: value.strip()
            for name, separator, value in (line.partition(":") for line in paragraph.splitlines())
            if separator and not name.startswith((" ", "\t"))
        }
        # status.d (distroless) has no Status field: what is there is installed.
        if "Package" in fields and fields.get("Status", "install ok installed").endswith(" installed"):
            packages[fields["Package"]] = fields.get("Version", "")
    return packages
