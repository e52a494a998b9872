"""The image's health check: asks the port that the service listens on. Exit status 0 or 1, as Docker wants it."""

from __future__ import annotations

import http.client
import os
import sys

OK = 200


def main() -> int:
    path = sys.argv[1] if len(sys.argv) > 1 else "/health"
    connection = http.client.HTTPConnection("127.0.0.1", int(os.environ.get("PORT", "8080")), timeout=2)
    try:
        connection.request("GET", path)
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        print(f"{path}: {error}")  # noqa: T201 - Docker keeps what a health check prints
        return 1
    print(f"{path}: {status}")  # noqa: T201
    return 0 if status == OK else 1


if __name__ == "__main__":
    sys.exit(main())
