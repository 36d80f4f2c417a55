"""Every setting, read once from the environment (`IDV_…`) and an optional TOML file, checked at start.

The environment wins over the file (`IDV_CONFIG`, default `idv.toml` in the working directory), the file
over the defaults. All faults are reported at once.
"""

import os
from enum import StrEnum
from pathlib import Path
from typing import Literal

import platformdirs
from pydantic import Field, IPvAnyNetwork, SecretStr, ValidationError, model_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from idv.domain.errors import ConfigurationError
from idv.domain.models import Device

_ROOT = Path(__file__).resolve().parent.parent
_LOOPBACK = ("127.0.0.1", "::1", "localhost")
_PREFIX = "IDV_"


class Settings(BaseSettings):
    """All settings with their defaults; units stand in the names."""

    model_config = SettingsConfigDict(env_prefix=_PREFIX, extra="ignore", frozen=True)

    # models
    pack: str = "open"
    device: Device = Device.CPU
    model_repository: Path = _ROOT / "model_repository"
    model_cache: Path = Field(default_factory=lambda: Path(platformdirs.user_cache_dir("idv")) / "models")
    calibrations: Path = _ROOT / "calibrations"
    operating_points: Path = _ROOT / "operating_points"
    document_types: Path | None = None

    # evaluation
    eval_sets: Path = _ROOT / "eval_sets"
    media_root: str = Field(default_factory=lambda: str(Path(platformdirs.user_cache_dir("idv")) / "media"))

    # state
    data_dir: Path = Field(default_factory=lambda: Path(platformdirs.user_data_dir("idv")))
    database_url: SecretStr | None = None
    keyring: Path | None = None

    # policy
    policy: str = "onboarding"
    attempts: int = Field(default=10, ge=1)
    attempts_window_h: float = Field(default=24.0, gt=0)
    keep_images_days: float = Field(default=0.0, ge=0)
    keep_replies_h: float = Field(default=24.0, gt=0)

    # service
    host: str = "127.0.0.1"
    port: int = Field(default=3000, ge=1, le=65535)
    insecure: bool = False
    docs: bool = False
    max_body_bytes: int = Field(default=32_000_000, ge=1_000)
    max_part_bytes: int = Field(default=15_000_000, ge=1_000)
    deadline_s: float = Field(default=20.0, gt=0, le=240)
    worker_threads: int = Field(default=2, ge=1, le=64)
    queue_length: int = Field(default=8, ge=0)
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    # decoding
    decoder_workers: int = Field(default=2, ge=1, le=64)
    max_pixels: int = Field(default=50_000_000, ge=256)
    decode_timeout_s: float = Field(default=5.0, gt=0)

    # webhooks
    webhook_url: str | None = None
    webhook_secrets: tuple[SecretStr, ...] = Field(default=(), max_length=2)
    webhook_networks: tuple[IPvAnyNetwork, ...] = ()
    webhook_allow_http: bool = False

    @model_validator(mode="after")
    def _consistent(self) -> "Settings":
        if self.insecure and self.host not in _LOOPBACK:
            msg = "insecure is allowed on loopback only: set host to 127.0.0.1"
            raise ValueError(msg)
        if self.webhook_url and not self.webhook_secrets:
            msg = "webhook_url needs at least one of webhook_secrets"
            raise ValueError(msg)
        if self.max_part_bytes > self.max_body_bytes:
            msg = "max_part_bytes cannot exceed max_body_bytes"
            raise ValueError(msg)
        return self

    @property
    def database(self) -> str:
        """The database URL; SQLite in `data_dir` unless set."""
        if self.database_url is not None:
            return self.database_url.get_secret_value()
        return f"sqlite:///{self.data_dir / 'idv.db'}"

    @property
    def keyring_file(self) -> Path:
        """Where the key that wraps the subjects' keys lives: outside the database."""
        return self.keyring or self.data_dir / "keyring.json"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the signature is pydantic's
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments, then environment, then file."""
        file = TomlConfigSettingsSource(settings_cls, toml_file=config_file())
        return (init_settings, env_settings, file)


class Source(StrEnum):
    """Where a setting's value came from."""

    ENVIRONMENT = "environment"
    FILE = "file"
    DEFAULT = "default"


def config_file() -> Path:
    """The settings file; it need not exist."""
    return Path(os.environ.get(f"{_PREFIX}CONFIG", "idv.toml"))


def load(**overrides: object) -> Settings:
    """Read and check all settings. Raises ConfigurationError with every fault."""
    unknown = _unknown()
    try:
        settings = Settings(**overrides)  # type: ignore[arg-type] # pydantic checks them
    except ValidationError as error:
        faults = [_fault(e["loc"], e["msg"]) for e in error.errors()]
        raise ConfigurationError([*faults, *unknown]) from None
    except ValueError as error:
        raise ConfigurationError([f"{config_file()} is not valid TOML ({type(error).__name__})"]) from error
    if unknown:
        raise ConfigurationError(unknown)
    return settings


def sources(settings: Settings) -> dict[str, tuple[str, Source]]:
    """Setting -> shown value (secrets masked) and where it came from."""
    in_file = TomlConfigSettingsSource(type(settings), toml_file=config_file())()
    shown = {}
    for name in type(settings).model_fields:
        source = Source.DEFAULT
        if name in in_file:
            source = Source.FILE
        if f"{_PREFIX}{name}".upper() in os.environ:
            source = Source.ENVIRONMENT
        shown[name] = (str(getattr(settings, name)), source)
    return shown


def _unknown() -> list[str]:
    """A misspelt setting would silently leave a default in force, so it is a fault."""
    known = {f"{_PREFIX}{name}".upper() for name in Settings.model_fields} | {
        _PREFIX + "CONFIG",
        _PREFIX + "DATA",
        _PREFIX + "RUNS_DIR",
    }
    return [
        f"{name}: no such setting"
        for name in sorted(os.environ)
        if name.startswith(_PREFIX) and name not in known
    ]


def _fault(location: tuple[int | str, ...], message: str) -> str:
    """One fault as a sentence; never the value, which may be a secret."""
    name = ".".join(str(part) for part in location)
    message = message.removeprefix("Value error, ")
    return f"{_PREFIX}{name.upper()}: {message}" if name else message
