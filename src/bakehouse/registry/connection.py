"""Requests to one registry: credentials, retries of what is transient, and failures in words.

Basic and Bearer by https://distribution.github.io/distribution/spec/auth/token/ . No credential is ever part of an
address, a message or a log.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import BinaryIO, TypeVar
from urllib.parse import urljoin, urlsplit

import requests
import urllib3
from requests.auth import AuthBase
from urllib3.exceptions import NameResolutionError

import bakehouse
from bakehouse.errors import BakehouseError
from bakehouse.registry import answers
from bakehouse.registry.content import KINDS
from bakehouse.registry.credentials import Credentials, Login
from bakehouse.registry.location import DOCKER_HUB, is_loopback
from bakehouse.registry.store import DeniedError, RegistryError
from bakehouse.system.patience import TRANSIENT, Patience
from bakehouse.system.wrapped_error import innermost

_UNAUTHORIZED, _FORBIDDEN, _FULL = 401, 403, 507
_CHALLENGE = re.compile(r'([A-Za-z_]+)="((?:[^"\\]|\\.)*)"')
ACCEPT = ", ".join(KINDS)
T = TypeVar("T")


PATIENCE = Patience(stall=120.0, attempts=7, unreached=3, longest=30.0)
"""A registry may compute a large blob's digest before it answers. The pauses add up to a minute: it may be started
anew meanwhile."""


class TransientRegistryError(RegistryError):
    """Worth another attempt, and that was made as often as patience allows."""

    def __init__(self, message: str, *, wait: float = 0.0) -> None:
        super().__init__(message, hint="The same command goes on where it stopped.")
        self.wait = wait
        """Seconds that the registry asked us to stay away."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RegistryRequest:
    """One request."""

    method: str
    path: str
    """`/v2/...`, or the whole address that the registry gave."""
    repository: str
    may: str = "pull"
    """`pull`, `pull,push` or `*`: what a token is asked for."""
    also: str = ""
    """A second repository that is read: a blob is mounted from it."""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Callable[[], AbstractContextManager[BinaryIO | bytes]] | None = None
    size: int = 0
    """Bytes of the body."""
    stream: bool = False

    @property
    def scopes(self) -> tuple[str, ...]:
        own = f"repository:{self.repository}:{self.may}"
        return (own, f"repository:{self.also}:pull") if self.also else (own,)

    def __str__(self) -> str:
        return f"{self.method} {urlsplit(self.path).path}"


class _Header(AuthBase):
    """Our own Authorization; without it, requests would take one from ~/.netrc."""

    def __init__(self, value: str) -> None:
        self._value = value

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if self._value:
            request.headers["Authorization"] = self._value
        return request


class Connection:
    """To one registry, for one thread."""

    def __init__(self, host: str, *, credentials: Credentials, patience: Patience | None = None) -> None:
        self.host = host
        self.patience = patience or PATIENCE
        self._credentials = credentials
        self._authorization: dict[tuple[str, ...], str] = {}
        self._answered = False
        self._session = requests.Session()
        self._session.headers.update({"User-Agent": f"bakehouse/{bakehouse.__version__}"})
        self._session.trust_env = not is_loopback(host)

    @property
    def base(self) -> str:
        host = "registry-1.docker.io" if self.host == DOCKER_HUB else self.host
        return f"{'http' if is_loopback(self.host) else 'https'}://{host}"

    def close(self) -> None:
        self._session.close()

    def persist(self, ask: RegistryRequest, *, ok: frozenset[int]) -> requests.Response:
        """Send it until it is answered. Only for requests that may be repeated. Raises as `once` does."""
        return self.patiently(lambda: self.once(ask, ok=ok))

    def patiently(self, act: Callable[[], T]) -> T:
        """Do it again, with pauses, while it raises TransientError."""
        attempt = 1
        while True:
            try:
                return act()
            except TransientRegistryError as error:
                if attempt >= (self.patience.attempts if self._answered else self.patience.unreached):
                    raise
                self.patience.rest(attempt, asked=error.wait)
            attempt += 1

    def once(self, ask: RegistryRequest, *, ok: frozenset[int]) -> requests.Response:
        """Send it once, after a login where one is asked for.

        Raises TransientError, DeniedError, and RegistryError for any other status than those of `ok`.
        """
        response = self._send(ask)
        if response.status_code == _UNAUTHORIZED:
            self._authorization.pop(ask.scopes, None)
            self._log_in(ask, response.headers.get("WWW-Authenticate", ""))
            response.close()
            response = self._send(ask)
        if response.status_code in ok:
            return response
        error = self._refusal(ask, response)
        response.close()
        raise error

    def _send(self, ask: RegistryRequest) -> requests.Response:
        url = urljoin(self.base, ask.path)
        own = urlsplit(url).netloc == urlsplit(self.base).netloc
        with ask.body() if ask.body else nullcontext(b"") as body:
            headers = {"Accept": ACCEPT, **ask.headers}
            if ask.method in ("PUT", "POST", "PATCH"):
                headers["Content-Length"] = str(ask.size)
            return self._attempt(
                lambda: self._session.request(
                    ask.method,
                    url,
                    headers=headers,
                    data=body or None,
                    auth=_Header(self._authorization.get(ask.scopes, "") if own else ""),
                    timeout=self.patience.timeout,
                    stream=ask.stream,
                )
            )

    def _attempt(self, send: Callable[[], requests.Response]) -> requests.Response:
        """Failures of the connection in our words."""
        try:
            response = send()
        except requests.exceptions.SSLError as error:
            raise RegistryError(
                f"{self.host} has a certificate that is not trusted: {answers.clause(error)}",
                hint="Behind a TLS-inspecting proxy, name its CA bundle in REQUESTS_CA_BUNDLE.",
            ) from None
        except (requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema, requests.TooManyRedirects) as error:
            raise RegistryError(f"{self.host} sends us where we cannot go: {answers.clause(error)}") from None
        except (requests.RequestException, urllib3.exceptions.HTTPError, ConnectionError, TimeoutError) as error:
            if isinstance(innermost(error), NameResolutionError):
                raise RegistryError(f"{self.host} cannot be reached: its name does not resolve") from None
            raise TransientRegistryError(f"{self.host} does not answer: {answers.clause(error)}") from None
        self._answered = True
        return response

    # ------------------------------------------------------------------------------------------ login

    def _log_in(self, ask: RegistryRequest, challenge: str) -> None:
        """Get what the registry asks for, for the scopes of a request."""
        scheme, _, rest = challenge.partition(" ")
        login = self._credentials.of(self.host)
        match scheme.lower():
            case "basic":
                if login is None:
                    raise self._no_login(ask)
                self._authorization[ask.scopes] = login.basic
            case "bearer":
                fields = dict(_CHALLENGE.findall(rest))
                self._authorization[ask.scopes] = f"Bearer {self._token(ask, fields, login)}"
            case _:
                raise DeniedError(f"{self.host} asks for a kind of login that is not known here: {scheme or 'none'}")

    def _token(self, ask: RegistryRequest, fields: Mapping[str, str], login: Login | None) -> str:
        realm = fields.get("realm", "")
        address = urlsplit(realm)
        if address.scheme != "https" and not (address.scheme == "http" and is_loopback(address.netloc)):
            raise DeniedError(f"{self.host} wants our login sent to an address without TLS")
        timeout = self.patience.timeout
        where = {"service": fields.get("service", ""), "scope": list(ask.scopes)}
        if login and login.identity_token:
            asked = {
                "grant_type": "refresh_token",
                "refresh_token": login.identity_token,
                "client_id": "bakehouse",
                "service": where["service"],
                "scope": " ".join(ask.scopes),
            }
            response = self._attempt(lambda: self._session.post(realm, data=asked, auth=_Header(""), timeout=timeout))
        else:
            header = _Header(login.basic if login else "")
            response = self._attempt(lambda: self._session.get(realm, params=where, auth=header, timeout=timeout))
        if response.status_code in TRANSIENT:
            raise TransientRegistryError(
                f"the login of {self.host} answered with {answers.status(response)}", wait=answers.wait(response)
            )
        if response.status_code >= 400:  # noqa: PLR2004 - errors of HTTP
            raise self._refused(ask, login, response) if login else self._no_login(ask)
        found = answers.document(response)
        token = found.get("token") or found.get("access_token")
        if not token:
            raise DeniedError(f"the login of {self.host} gave no token")
        return str(token)

    def _no_login(self, ask: RegistryRequest) -> DeniedError:
        return DeniedError(
            f"{self.host} asks for a login, and there is none for it",
            hint=f"Run: docker login {self.host} ({ask.repository})",
        )

    def _refused(self, ask: RegistryRequest, login: Login | None, response: requests.Response) -> DeniedError:
        who = f"{login.user or 'our token'}, from {login.source}," if login else "a request without login"
        return DeniedError(
            f"{self.host} refuses {ask} to {who} with {answers.status(response)}{answers.said(response)}",
            hint=f"It needs the right to {ask.may} {ask.repository}; docker login {self.host} takes another password.",
        )

    # ------------------------------------------------------------------------------------------ refusals

    def _refusal(self, ask: RegistryRequest, response: requests.Response) -> BakehouseError:
        code = response.status_code
        if code in (_UNAUTHORIZED, _FORBIDDEN):
            return self._refused(ask, self._credentials.of(self.host), response)
        said = answers.said(response)
        if code in TRANSIENT and not answers.is_full(said):
            return TransientRegistryError(
                f"{self.host} answers {ask} with {answers.status(response)}{said}", wait=answers.wait(response)
            )
        hint = None
        if code == _FULL or answers.is_full(said):
            hint = "The registry is full: `bakehouse publish --prune` removes what nothing needs, then it collects."
        return RegistryError(f"{self.host} answers {ask} with {answers.status(response)}{said}", hint=hint)
