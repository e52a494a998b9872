"""How we talk to web servers: sessions, and failures in our words."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from urllib.parse import urlsplit, urlunsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError
from urllib3.util import Retry

import bakehouse
from bakehouse.errors import SupplyError
from bakehouse.system.patience import TRANSIENT, Patience
from bakehouse.system.wrapped_error import innermost

PATIENCE = Patience()
"""Another place is waiting to be tried; a download that gets on is never given up."""


class TransientError(SupplyError):
    """Worth another attempt."""

    def __init__(self, message: str, *, wait: float = 0.0, reached: bool = True) -> None:
        super().__init__(message)
        self.wait = wait
        """Seconds the server asked us to stay away."""
        self.reached = reached
        """Whether there was a connection at all."""


def new_session(*, retries: int = 0, patience: Patience = PATIENCE) -> requests.Session:
    """A session for one thread. Proxies and CA bundles come from the environment.

    `retries`: of whole requests, for small answers; `download` does its own, which keep what has arrived.
    """
    session = requests.Session()
    session.headers["User-Agent"] = f"bakehouse/{bakehouse.__version__}"
    if retries:
        retry = Retry(
            total=retries,
            connect=0,
            status_forcelist=TRANSIENT,
            backoff_factor=patience.pause,
            raise_on_status=False,
        )
        for scheme in ("https://", "http://"):
            session.mount(scheme, HTTPAdapter(max_retries=retry))
    return session


@contextlib.contextmanager
def network_errors(url: str) -> Iterator[None]:
    """Turn failures of a connection into TransientError where another attempt may help, else into SupplyError."""
    host = urlsplit(url).hostname
    try:
        yield
    except requests.HTTPError as error:
        raise refusal(error.response, url) from None
    except requests.exceptions.SSLError as error:
        raise SupplyError(
            f"{host} has a certificate that is not trusted: {clause(error)}",
            hint="Behind a TLS-inspecting proxy, name its CA bundle in REQUESTS_CA_BUNDLE.",
        ) from error
    except (requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema, requests.TooManyRedirects) as error:
        raise SupplyError(f"{public(url)} cannot be fetched: {error}") from error
    except (requests.RequestException, urllib3.exceptions.HTTPError, ConnectionError, TimeoutError) as error:
        match innermost(error):
            case NameResolutionError():
                raise SupplyError(f"{host} cannot be reached: its name does not resolve") from error
            case NewConnectionError() | ConnectTimeoutError():
                raise TransientError(f"{host} cannot be reached: {clause(error)}", reached=False) from error
            case _:
                raise TransientError(clause(error)) from error


def refusal(response: requests.Response, url: str) -> SupplyError:
    """The error for an answer that is none."""
    code = response.status_code
    if code in TRANSIENT:
        wait = response.headers.get("Retry-After", "")
        return TransientError(
            f"status {code} {response.reason}", wait=float(wait) if re.fullmatch("[0-9]{1,9}", wait) else 0.0
        )
    hint = {
        401: "It asks for credentials.",
        403: "Access is denied: by the server, or by a proxy on the way.",
        404: "It does not exist (any more).",
    }.get(code)
    return SupplyError(f"{public(url)} answered with status {code} {response.reason}", hint=hint)


def clause(error: BaseException) -> str:
    """The one clause that helps, out of `HTTPSConnectionPool(...): Max retries exceeded with url ...`."""
    cause = innermost(error)
    return str(cause).rpartition(">: ")[2].rpartition("): ")[2] or type(cause).__name__


def public(url: str) -> str:
    """An address without user, password and query, fit for messages and reports."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))
