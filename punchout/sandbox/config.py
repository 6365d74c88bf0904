"""What is fixed for the life of the process, read from the environment."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

VARIABLES = {
    "SANDBOX_STATE": "path of the sqlite file (required)",
    "SANDBOX_PUBLIC_URL": "address browsers use, e.g. http://localhost:8802 (required)",
    "SANDBOX_IDENTITY": "the buyer's From and Sender identity (required)",
    "SANDBOX_SECRET": "the shared secret (required)",
    "SANDBOX_CONTROL_TOKEN": "token of the control API (required)",
    "SANDBOX_INBOUND_URL": "the buyer's cXML endpoint; can also be set by control",
    "SANDBOX_LWA_CLIENT_ID": "Reporting API client id; without it no token is given out",
    "SANDBOX_LWA_CLIENT_SECRET": "Reporting API client secret",
    "SANDBOX_LWA_REFRESH_TOKEN": "Reporting API refresh token",
    "SANDBOX_CA_BUNDLE": "PEM file that outgoing TLS is checked against",
}
_REQUIRED = tuple(name for name, meaning in VARIABLES.items() if meaning.endswith("(required)"))


class ConfigError(Exception):
    """The environment lacks something; the message names every missing variable."""


@dataclass(frozen=True, slots=True)
class Config:
    """One sandbox. `background=False` leaves fulfilment and delivery to explicit calls."""

    state: Path
    public_url: str
    identity: str
    secret: str = field(repr=False)
    control_token: str = field(repr=False)
    inbound_url: str = ""
    lwa_client_id: str = ""
    lwa_client_secret: str = field(default="", repr=False)
    lwa_refresh_token: str = field(default="", repr=False)
    ca_bundle: str = ""
    background: bool = True

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] | None = None) -> Self:
        """Read SANDBOX_*; raise ConfigError naming whatever is missing."""
        source = os.environ if environ is None else environ
        missing = [name for name in _REQUIRED if not source.get(name)]
        if missing:
            raise ConfigError(f"not set: {', '.join(missing)}")
        values = {name: source.get(name, "") for name in VARIABLES}
        return cls(
            state=Path(values["SANDBOX_STATE"]),
            public_url=values["SANDBOX_PUBLIC_URL"].rstrip("/"),
            identity=values["SANDBOX_IDENTITY"],
            secret=values["SANDBOX_SECRET"],
            control_token=values["SANDBOX_CONTROL_TOKEN"],
            inbound_url=values["SANDBOX_INBOUND_URL"],
            lwa_client_id=values["SANDBOX_LWA_CLIENT_ID"],
            lwa_client_secret=values["SANDBOX_LWA_CLIENT_SECRET"],
            lwa_refresh_token=values["SANDBOX_LWA_REFRESH_TOKEN"],
            ca_bundle=values["SANDBOX_CA_BUNDLE"],
        )
