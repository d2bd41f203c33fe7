"""Everything an operator can set, from `GEMEL_*` variables or a `.env` file. Passed in, never global.

The module is long because it is one table: an operator looks for a setting in one place.
"""

import ipaddress
import re
from datetime import timedelta
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from indexer.types import SENSITIVE, Attribute

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
LEAST_RATE = 1e-9
"""The lowest rate of false alarms that can be requested. No measurement supports a lower one."""


class Settings(BaseSettings):
    """Each field's description is its line in `docs/reference/settings.md`, which `make reference` writes."""

    model_config = SettingsConfigDict(
        env_prefix="GEMEL_",
        env_file=".env",
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        allow_inf_nan=False,
    )

    home: Path = Field(
        default=Path("~/.local/share/gemel"),
        description="Folder of the embedded PostgreSQL's data and of the indexes",
    )
    database_url: str | None = Field(
        default=None,
        description="PostgreSQL to use instead of the embedded one,"
        " `postgresql://user:password@host/database`; in the password, write `@` as `%40`, `/` as `%2F`"
        " and `%` as `%25`",
    )
    database_password: SecretStr | None = Field(
        default=None,
        description="Password for `GEMEL_DATABASE_URL`, not encoded",
    )
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
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="Lowest level of the log lines that are written"
    )
    log_format: Literal["text", "json"] = Field(
        default="text",
        description="Log lines as text or as JSON; both have the time and the request's `X-Request-Id`",
    )
    console: Literal["on", "off"] = Field(
        default="on",
        description="Whether the server has the console, web pages at `/`. With `off`, `/` redirects to the"
        " documentation of the API",
    )
    audit: Literal["on", "off"] = Field(
        default="on",
        description="Whether changes, searches and rejected requests are written to the audit record; `off`"
        " writes no event",
    )
    audit_searches: Literal["durable", "required", "best-effort", "off"] = Field(
        default="required",
        description="Searches in the audit record: with `required` a search that cannot be written gets 503,"
        " and a crash of PostgreSQL may lose those of the last second; `durable` waits for the disk;"
        " `best-effort` logs a failure and answers, as on a read-only standby; `off` writes none",
    )

    max_upload_mb: float = Field(
        default=64.0,
        gt=0,
        description="Largest request body, in MB (10^6 bytes); the default has room for a JPEG of 200"
        " megapixels",
    )
    max_image_megapixels: float = Field(
        default=50.0,
        gt=0,
        description="Largest decoded picture, in millions of pixels. A JPEG may have five times as"
        " many: it is decoded at a half or a quarter of its sides",
    )
    max_decoding_s: float = Field(
        default=10.0,
        ge=1,
        description="Limit of processor time for decoding a picture, in seconds; smaller pictures have"
        " a lower limit",
    )
    decoding_patience_s: float = Field(
        default=10.0,
        ge=0,
        description="Seconds that a request waits for its turn to be decoded and searched for faces,"
        " before 503",
    )
    max_images: int = Field(
        default=20, ge=1, description="Largest number of pictures in one enrolment request"
    )
    max_faces: int = Field(default=50, ge=1, description="Largest `max_faces` of an identification")
    max_candidates: int = Field(
        default=100, ge=1, description="Largest `max_candidates` of an identification"
    )

    import_threads: int | None = Field(
        default=None,
        ge=0,
        description="Threads of a serving process that enrol the files of imports; 0: none, other processes"
        " must do it; default: two more than the process has cores",
    )
    import_waiting_mb: float = Field(
        default=1000.0,
        gt=0,
        description="Most data of imports that may wait in PostgreSQL, in MB (10^6 bytes); while more waits,"
        " requests that send files get 503",
    )
    import_folder: Path | None = Field(
        default=None,
        description="Folder on the server from which imports may read files, given by a path; default: none",
    )
    import_days: float = Field(
        default=30.0,
        gt=0,
        description="Days after its end for which an import is listed, with small pictures of its rejected"
        " files, or a transfer of an export",
    )

    transfer_waiting_mb: float = Field(
        default=10_000.0,
        ge=0,
        description="Most data of uploaded exports that may wait in PostgreSQL, in MB (10^6 bytes), all"
        " together; a transfer that would exceed it is rejected when it begins; 0: no uploads of exports",
    )

    detection_size_px: int = Field(
        default=1024,
        ge=64,
        description="Pictures are scaled down to this longer side for face detection, never up",
    )
    min_detection_confidence: float = Field(
        default=0.7,
        ge=0,
        le=1,
        description="Lowest confidence of the detector for a face. If no face of a picture reaches 0.9,"
        " the detector runs again on doubtful faces; those below the lowest confidence must then exceed it by"
        " 0.08",
    )
    min_face_px: float = Field(
        default=28.0,
        ge=0,
        description="Shorter side of a face's box, in pixels, below which an enrolment is rejected",
    )
    min_sharpness: float = Field(
        default=0.004,
        ge=0,
        description="Sharpness of a face (Laplacian energy over variance) below which an enrolment is"
        " rejected",
    )
    min_quality: float = Field(
        default=0.0,
        ge=0,
        le=100,
        description="Quality score of a face, 0 to 100, below which an enrolment is rejected",
    )

    max_miss_rate: float = Field(
        default=0.7,
        ge=0,
        le=1,
        description="Expected miss rate of a face above which an enrolment is rejected; 1: no limit. It needs"
        " the quality network `lightqnet`",
    )

    min_match_face_px: float = Field(
        default=0.0,
        ge=0,
        description="Shorter side of a face's box, in pixels, below which a face matches nobody; 0: no limit",
    )
    min_match_sharpness: float = Field(
        default=0.0,
        ge=0,
        description="Sharpness of a face (Laplacian energy over variance) below which a face matches"
        " nobody; 0: no limit",
    )
    max_match_miss_rate: float = Field(
        default=1.0,
        ge=0,
        le=1,
        description="Expected miss rate of a face above which it matches nobody; 1: no limit. It needs the"
        " quality network `lightqnet`",
    )

    attributes: str = Field(
        default=",".join(name for name in Attribute if name not in SENSITIVE),
        description="Attributes of a face that requests may ask for, separated by commas: `liveness`, `mask`,"
        " `glasses`, `pose`, `eyes`, `occlusion`, `quality`, and, off by default, `expression`, `age`,"
        " `gender`. `none`: no attributes",
    )
    expression_head: Path | None = Field(
        default=None,
        description="Card `NAME.json` of a head that `gemel train --task expression` made, which estimates"
        " `expression` in place of the published network's last layer; `NAME.onnx` lies beside it",
    )
    model: str = Field(
        default="sface",
        description="Model of new galleries: one that `gemel models` lists, or `onnx:PATH` or"
        " `safetensors:PATH` with a card beside the file, or `fused:PATH` of a card",
    )
    models_dir: Path | None = Field(
        default=None,
        description="Folder of the model files that `POST /v1/reindexes` may name, as `onnx:FILE`,"
        " `safetensors:FILE` or `fused:FILE`; without it, published models only",
    )
    model_mirror: str | None = Field(
        default=None,
        description="Where published weights come from instead of their publishers' addresses: a folder, or"
        " an address `https://...`, with the files under their published names; files in a"
        " folder are used where they lie",
    )
    mirror: bool = Field(
        default=True, description="Embed the mirror image too and take the mean; part of the model"
    )
    precision: Literal["auto", "float32", "bfloat16"] = Field(
        default="auto",
        description="Arithmetic of the network: `auto` is `float32` on processors and float16 on GPUs;"
        " `bfloat16` is faster on processors with AVX512-BF16 or AMX; others compute in `float32` with"
        " `openvino`",
    )
    runtime: Literal["auto", "torch", "openvino"] = Field(
        default="auto",
        description="What runs the network: `openvino` on processors, `torch` on any device; `auto` is"
        " `torch` where the network runs on a GPU, else `openvino`. Models in ONNX files run with"
        " `openvino`, on the processor",
    )
    index_tier: Literal["auto", "exact", "exact-fp16", "compact", "gpu"] = Field(
        default="auto",
        description="How galleries are searched: `exact`, `exact-fp16`, `compact` or `gpu`;"
        " `auto` is `exact`, and from 100,000 faces on `compact` where its recall suffices",
    )
    index_min_agreement: float = Field(
        default=0.999,
        ge=0,
        le=1,
        description="Lowest recall@1 of `compact` against exact search, measured on each gallery; below it,"
        " the gallery is searched as `exact-fp16`",
    )
    index_patience_s: float = Field(
        default=2.0,
        ge=0,
        description="Seconds that a request waits for its gallery's index to be loaded or built, before 503",
    )
    index_memory_mb: float = Field(
        default=8192,
        gt=0,
        description="Memory for all indexes of a process, in MB (10^6 bytes); above it, the least"
        " recently used ones are closed, and opened again by the next search",
    )
    cluster: str = Field(
        default="",
        pattern=r"^(|auto|(ray://)?(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+):[0-9]{1,5})$",
        description="Ray cluster that holds the shards of large galleries: `auto` is that of this machine's"
        " Ray node, `HOST:PORT` that of a head, `ray://HOST:PORT` a head's client server; empty: galleries"
        " are searched in this process, and no Ray is imported. It needs the extra `cluster`",
    )
    shard_faces: int = Field(
        default=50_000_000,
        ge=1,
        description="Faces from which on a gallery is searched in shards on the Ray cluster; it is so until"
        " it has fewer than half as many. Without `GEMEL_CLUSTER` it has no effect",
    )
    shards: int = Field(
        default=0,
        ge=0,
        le=1024,
        description="Shards of a gallery on the Ray cluster; 0: one for each node that is alive when they are"
        " created. `gemel index reshard` changes those of one gallery",
    )
    shard_copies: int = Field(
        default=2,
        ge=1,
        le=8,
        description="Copies of each shard, each on another node of the Ray cluster. With one copy, a node"
        " that fails is an interruption of searches",
    )
    device: str | None = Field(
        default=None,
        description="Device of the network, by torch's name: `cpu`, `cuda`, `cuda:1`; default: a GPU if"
        " there is one",
    )
    embedder_threads: int | None = Field(
        default=None,
        ge=1,
        description="Threads of the network; default: the cores, divided among the workers",
    )
    embedder_max_batch: int = Field(
        default=32, ge=1, description="Largest number of faces in one batch of the network"
    )
    max_requests: int = Field(
        default=64,
        ge=1,
        description="Largest number of requests with a complete body that a process holds at once; the"
        " next one gets 503 and can be sent again",
    )
    overload_requests: int | None = Field(
        default=None,
        ge=1,
        description="Largest number of requests that a process holds at once while it is overloaded, so that"
        " those it accepts are answered soon; default: the cores, divided among the workers, and 2 at"
        " least; as many as `GEMEL_MAX_REQUESTS`: load is never shed",
    )
    max_connections: int = Field(
        default=1000,
        ge=1,
        description="Largest number of open connections of a process; for one more, the connection that"
        " has waited longest for a request, or for the rest of one, is closed",
    )
    header_timeout_s: float = Field(
        default=20.0, gt=0, description="Seconds in which the header fields of a request must arrive"
    )
    body_timeout_s: float = Field(
        default=30.0,
        gt=0,
        description="Seconds in which a request's body must arrive; up to ten times as many while 2,000"
        " bytes arrive each second",
    )
    upload_memory_mb: float = Field(
        default=512.0,
        gt=0,
        description="Memory of a process for the bodies of requests that are not answered yet, in MB"
        " (10^6 bytes); above it, the upload that has taken longest gets 503",
    )
    stop_delay_s: float = Field(
        default=0.0,
        ge=0,
        description="Seconds between SIGTERM and the end of service: `/readyz` answers 503, other requests"
        " are answered as before, so that load balancers have time to notice",
    )
    threads: int = Field(
        default=8, ge=1, description="Requests that a process works on at once; the others wait"
    )
    workers: int = Field(default=1, ge=1, description="Processes that serve, on one port")
    reindex_worker: Literal["auto", "on", "off"] = Field(
        default="auto",
        description="Whether serving processes also work on re-index jobs, each in one thread; `auto`: only"
        " with the embedded PostgreSQL. Otherwise, run `gemel worker`",
    )

    identify_fpir: float = Field(
        default=0.01,
        ge=LEAST_RATE,
        lt=1,
        description="Share of searches for people who are not enrolled that may return a match; sets"
        " the threshold",
    )
    verify_fmr: float = Field(
        default=0.001,
        ge=LEAST_RATE,
        lt=1,
        description="Share of pairs of different people that may be taken for one person; sets the threshold",
    )

    @model_validator(mode="after")
    def _check_sites(self) -> "Settings":
        for origin in self.cors_origin_list:
            if origin != "*" and not re.fullmatch(r"[a-z][a-z0-9+.-]*://[^\s/,*]+", origin):
                raise ValueError(f"cors_origins: {origin!r} is no origin, such as `https://example.org:8443`")
        for host in self.allowed_host_list:
            if not re.fullmatch(r"\*|(\*\.)?[a-z0-9._-]+|\[[0-9a-f:.]+\]", host):
                raise ValueError(f"allowed_hosts: {host!r} is no name, such as `faces.example.org`")
        return self

    @model_validator(mode="after")
    def _check_proxies(self) -> "Settings":
        try:
            _ = self.forwarded_networks
        except ValueError as error:
            raise ValueError(
                f"forwarded_allow_ips: {error}; write addresses or networks, such as `10.1.0.0/16`"
            ) from None
        return self

    @model_validator(mode="after")
    def _check_tls(self) -> "Settings":
        if self.tls_key is not None and self.tls_cert is None:
            raise ValueError("tls_key: there is a key, but no certificate: set tls_cert too")
        return self

    @model_validator(mode="after")
    def _check_mirror(self) -> "Settings":
        if self.model_mirror is not None and "://" in self.model_mirror and self.mirror_address is None:
            raise ValueError(
                f"model_mirror: {self.model_mirror!r} is no folder, and no address `https://...`"
            )
        return self

    @model_validator(mode="after")
    def _check_runtime(self) -> "Settings":
        if self.runtime == "openvino" and self.device not in (None, "cpu"):
            raise ValueError(
                f"runtime: openvino runs networks on the processor, not on {self.device}: set runtime to auto"
                " or torch, or device to cpu"
            )
        return self

    @model_validator(mode="after")
    def _check_attributes(self) -> "Settings":
        for name in _split(self.attributes):
            if name not in [*Attribute, "none"]:
                raise ValueError(f"attributes: there is no attribute {name!r}")
        return self

    @property
    def permitted_attributes(self) -> frozenset[Attribute]:
        return frozenset(Attribute(name) for name in _split(self.attributes) if name != "none")

    @property
    def allowed_host_list(self) -> list[str]:
        return _split(self.allowed_hosts)

    @property
    def cors_origin_list(self) -> list[str]:
        return [origin.rstrip("/") for origin in _split(self.cors_origins)]

    @property
    def forwarded_networks(self) -> list[Network]:
        return [ipaddress.ip_network(part) for part in _split(self.forwarded_allow_ips)]

    @property
    def mirror_folder(self) -> Path | None:
        """The model mirror, if it is a folder."""
        if self.model_mirror is None or self.mirror_address is not None:
            return None
        return Path(self.model_mirror).expanduser()

    @property
    def mirror_address(self) -> str | None:
        """The model mirror without its last slash, if it is on another machine."""
        mirror = (self.model_mirror or "").strip()
        return mirror.rstrip("/") if re.match(r"https?://[^/]", mirror, re.IGNORECASE) else None

    @property
    def session_lifetime(self) -> timedelta:
        return timedelta(hours=self.session_hours)

    @property
    def session_idle(self) -> timedelta:
        return timedelta(minutes=self.session_idle_minutes)

    @property
    def upload_memory_bytes(self) -> int:
        return int(self.upload_memory_mb * 1e6)

    @property
    def max_upload_bytes(self) -> int:
        return int(self.max_upload_mb * 1e6)

    @property
    def works_on_reindexes(self) -> bool:
        """Whether a serving process does."""
        return self.reindex_worker == "on" or (self.reindex_worker == "auto" and self.database_url is None)

    @property
    def import_waiting_bytes(self) -> float:
        return self.import_waiting_mb * 1e6

    @property
    def transfer_waiting_bytes(self) -> float:
        return self.transfer_waiting_mb * 1e6

    @property
    def index_memory_bytes(self) -> float:
        return self.index_memory_mb * 1e6

    @property
    def max_pixels(self) -> int:
        return int(self.max_image_megapixels * 1e6)


def _split(value: str | None) -> list[str]:
    return [part.strip().lower() for part in (value or "").split(",") if part.strip()]
