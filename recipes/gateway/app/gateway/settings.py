"""Settings from the environment."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

Policy = Literal["random", "round_robin", "cache_aware", "power_of_two", "least_load", "consistent_hashing"]
Seconds = Annotated[int, Field(ge=1, le=86_400)]


def _address(value: str) -> str:
    if not value.startswith(("http://", "https://")) or value.count("/") > 2 or "@" in value:  # noqa: PLR2004
        raise ValueError(f"{value!r} is no address like http://llama-server:8080")
    return value


Backend = Annotated[str, BeforeValidator(lambda value: str(value).rstrip("/")), AfterValidator(_address)]


class GatewaySettings(BaseModel):
    """One variable for each field: `BACKENDS`, `API_KEY`."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    host: str = "0.0.0.0"  # noqa: S104 - in a container, that is the point
    port: Annotated[int, Field(ge=1, le=65535)] = 8080
    metrics_port: Annotated[int, Field(ge=1, le=65535)] = 29000
    backends: Annotated[
        tuple[Backend, ...], BeforeValidator(lambda value: str(value).replace(",", " ").split()), Field(min_length=1)
    ]
    """Addresses of servers with OpenAI's API, with blanks or commas between them. Each says which models it has."""
    api_key: Annotated[str, Field(min_length=16)] | None = None
    """What clients send as `Authorization: Bearer ...`, and the gateway to its backends."""
    api_key_file: Path | None = None
    """A file that holds it: a secret of compose or Kubernetes."""
    auth: Literal["key", "none"] = "key"
    """`none`: whoever reaches the port may ask."""
    policy: Policy = "cache_aware"
    """Which of several backends with the same model is asked."""
    health_interval_s: Seconds = 5
    """Between two looks at a backend."""
    start_interval_s: Seconds = 2
    """Between two looks at a backend that has not come yet."""
    health_timeout_s: Seconds = 3
    health_failures: Annotated[int, Field(ge=1, le=100)] = 2
    """Looks in a row that fail until a backend is asked no more; the next that succeeds brings it back."""
    breaker_s: Seconds = 10
    """How long a backend that fails requests is left alone."""
    request_timeout_s: Seconds = 1800
    max_body_bytes: Annotated[int, Field(gt=0)] = 67_108_864
    stop_grace_s: Seconds = 8
    """Seconds for the requests that were accepted, once the gateway is told to end."""
    log_level: Literal["debug", "info", "warn", "error"] = "info"

    @model_validator(mode="after")
    def _one_way_to_authenticate(self) -> GatewaySettings:
        keys = [name for name in ("api_key", "api_key_file") if getattr(self, name)]
        if len(keys) > 1:
            raise ValueError("API_KEY and API_KEY_FILE are both set; one of them must go")
        if self.auth == "none" and keys:
            raise ValueError(f"AUTH=none, and yet {keys[0].upper()} is set; one of them must go")
        if self.auth == "key" and not keys:
            raise ValueError("API_KEY or API_KEY_FILE is not set; AUTH=none lets everybody in")
        return self

    def key(self) -> str | None:
        """Raises ValueError for a file that cannot be read, or that holds no key."""
        if self.api_key_file is None:
            return self.api_key
        try:
            found = self.api_key_file.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise ValueError(f"API_KEY_FILE={str(self.api_key_file)!r}: {error}") from None
        if len(found) < 16:  # noqa: PLR2004 - as in the field above
            raise ValueError(f"API_KEY_FILE={str(self.api_key_file)!r}: holds fewer than 16 characters")
        return found
