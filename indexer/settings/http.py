"""How the server is reached, and by whom."""

import ipaddress
import re
from datetime import timedelta
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, Field, SecretStr, model_validator

from indexer.settings.lists import separated

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class HttpSettings(BaseModel):
    host: str = Field(
        default="127.0.0.1",
        description="Address to listen on; while there is no API key at all, a loopback address only",
    )
    port: int = Field(default=8000, ge=0, le=65535, description="Port to listen on")
    api_key: SecretStr | None = Field(
        default=None,
        min_length=8,
        description="Key of the role `admin`, to begin with: `gemel keys create` makes others. Clients send a"
        " key as `X-API-Key` or as a bearer token. Once this is set or another key exists, everything but"
        " `/healthz` and `/readyz` requires one",
    )
    session_hours: float = Field(
        default=12.0,
        gt=0,
        le=168,
        description="Hours after a sign-in to the console when the session ends, even if it is in use",
    )
    session_idle_minutes: float = Field(
        default=60.0,
        ge=5,
        description="Minutes without a request after which a session of the console ends",
    )
    allowed_hosts: str | None = Field(
        default=None,
        description="Host names that requests may be addressed to, besides localhost, separated by"
        " commas; `*.example.org` means all names below it; default: all if a key is required, else none",
    )
    cors_origins: str | None = Field(
        default=None,
        description="Other sites whose pages may send requests from a browser (CORS), separated by"
        " commas: `https://example.org`; `*` for all, which has no effect while no key is required",
    )
    root_path: str | None = Field(
        default=None,
        pattern=r"^(/[A-Za-z0-9._~-]+)+$",
        description="Path prefix under which a proxy publishes the service, such as `/faces`",
    )
    tls_cert: Path | None = Field(
        default=None,
        description="File of the server's certificate, PEM, with the intermediate certificates after it; the"
        " server then answers HTTPS only, TLS 1.2 or newer",
    )
    tls_key: Path | None = Field(
        default=None,
        description="File of the certificate's key, PEM, without a password; default: in `GEMEL_TLS_CERT`",
    )
    forwarded_allow_ips: str | None = Field(
        default=None,
        description="Addresses or networks of the proxies whose `X-Forwarded-For` and `X-Forwarded-Proto` are"
        " used, separated by commas: `10.0.0.5, 10.1.0.0/16`; default: none, the headers are ignored",
    )
    console: Literal["on", "off"] = Field(
        default="on",
        description="Whether the server has the console, web pages at `/`. With `off`, `/` redirects to the"
        " documentation of the API",
    )

    @model_validator(mode="after")
    def _check_sites(self) -> Self:
        for origin in self.cors_origin_list:
            if origin != "*" and not re.fullmatch(r"[a-z][a-z0-9+.-]*://[^\s/,*]+", origin):
                raise ValueError(f"cors_origins: {origin!r} is no origin, such as `https://example.org:8443`")
        for host in self.allowed_host_list:
            if not re.fullmatch(r"\*|(\*\.)?[a-z0-9._-]+|\[[0-9a-f:.]+\]", host):
                raise ValueError(f"allowed_hosts: {host!r} is no name, such as `faces.example.org`")
        return self

    @model_validator(mode="after")
    def _check_proxies(self) -> Self:
        try:
            _ = self.forwarded_networks
        except ValueError as error:
            raise ValueError(
                f"forwarded_allow_ips: {error}; write addresses or networks, such as `10.1.0.0/16`"
            ) from None
        return self

    @model_validator(mode="after")
    def _check_tls(self) -> Self:
        if self.tls_key is not None and self.tls_cert is None:
            raise ValueError("tls_key: there is a key, but no certificate: set tls_cert too")
        return self

    @property
    def allowed_host_list(self) -> list[str]:
        return separated(self.allowed_hosts)

    @property
    def cors_origin_list(self) -> list[str]:
        return [origin.rstrip("/") for origin in separated(self.cors_origins)]

    @property
    def forwarded_networks(self) -> list[Network]:
        return [ipaddress.ip_network(part) for part in separated(self.forwarded_allow_ips)]

    @property
    def session_lifetime(self) -> timedelta:
        return timedelta(hours=self.session_hours)

    @property
    def session_idle(self) -> timedelta:
        return timedelta(minutes=self.session_idle_minutes)
