"""Settings: read from where the documents say."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from indexer import unknown_settings as variables
from indexer.settings import Settings


def test_variables_and_an_env_file_are_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("GEMEL_PORT=1234\nGEMEL_API_KEY=from-the-file\n")
    monkeypatch.setenv("GEMEL_PORT", "4321")

    settings = Settings(_env_file=file)

    assert settings.port == 4321
    assert settings.api_key is not None
    assert settings.api_key.get_secret_value() == "from-the-file"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("port", "70000"),
        ("api_key", "short"),
        ("precision", "int8"),
        ("allowed_hosts", "a b"),
        ("allowed_hosts", "http://faces.example.org"),
        ("cors_origins", "example.org"),
        ("cors_origins", "https://*.example.org"),
        ("root_path", "faces"),
        ("root_path", "/faces/"),
        ("max_connections", "0"),
        ("header_timeout_s", "0"),
        ("cluster", "head"),
        ("cluster", "http://head:6379"),
        ("shard_copies", "0"),
    ],
)
def test_an_invalid_setting_is_rejected_at_the_start(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(f"GEMEL_{name.upper()}", value)

    with pytest.raises(ValidationError, match=name):
        Settings()


def test_openvino_on_a_gpu_is_rejected_at_the_start() -> None:
    assert Settings(runtime="openvino", device="cpu").runtime == "openvino"
    with pytest.raises(ValidationError, match="openvino runs networks on the processor, not on cuda"):
        Settings(runtime="openvino", device="cuda")


def test_a_removed_tier_is_rejected_with_the_names_of_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GEMEL_INDEX_TIER", "graph")

    with pytest.raises(ValidationError, match="'exact', 'exact-fp16', 'compact' or 'gpu'"):
        Settings()


@pytest.mark.parametrize("value", ["inf", "-inf", "nan", "1e999", "5e-324", "-0.0"])
def test_a_rate_or_a_size_that_is_not_a_usable_number_is_rejected(
    monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    sizes = ("max_upload_mb", "index_memory_mb") if value != "5e-324" else ()
    for name in ("identify_fpir", "verify_fmr", *sizes):
        monkeypatch.setenv(f"GEMEL_{name.upper()}", value)
        with pytest.raises(ValidationError, match=name):
            Settings()
        monkeypatch.delenv(f"GEMEL_{name.upper()}")


def test_the_key_does_not_show_in_logs() -> None:
    assert "secret-key" not in repr(Settings(api_key="secret-key"))


def test_a_misspelt_variable_is_named_with_the_setting_that_is_nearest(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text("GEMEL_PROT=1\nPORT=2\nGEMEL_PORT=3\n")
    monkeypatch.setitem(Settings.model_config, "env_file", ".env")
    monkeypatch.setenv("GEMEL_DATABSE_URL", "postgresql://")
    monkeypatch.setenv("gemel_host", "127.0.0.1")
    monkeypatch.setenv("GEMEL_QQQQQQ", "")

    assert variables.find_unknown() == {
        "GEMEL_DATABSE_URL": "GEMEL_DATABASE_URL",
        "GEMEL_PROT": "GEMEL_PORT",
        "GEMEL_QQQQQQ": None,
    }
