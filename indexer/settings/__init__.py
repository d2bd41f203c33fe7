"""Everything an operator can set, from `GEMEL_*` variables or a `.env` file. Passed in, never global.

A module for each topic. To add a setting: a field with a description in its topic's class.
"""

from pydantic_settings import BaseSettings, SettingsConfigDict

from indexer.settings.http import HttpSettings, Network
from indexer.settings.index import IndexSettings
from indexer.settings.load import LoadSettings
from indexer.settings.pictures import PictureSettings
from indexer.settings.recognition import LEAST_RATE, RecognitionSettings
from indexer.settings.storage import StorageSettings

__all__ = ["LEAST_RATE", "Network", "Settings"]


class Settings(
    LoadSettings,
    IndexSettings,
    RecognitionSettings,
    PictureSettings,
    HttpSettings,
    StorageSettings,
    BaseSettings,
):
    """Each field's description is its line in `docs/reference/settings.md`, which `make reference` writes.
    Fields of the last base come first."""

    model_config = SettingsConfigDict(
        env_prefix="GEMEL_",
        env_file=".env",
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        allow_inf_nan=False,
    )

    @property
    def works_on_reindexes(self) -> bool:
        """Whether a serving process does."""
        return self.reindex_worker == "on" or (self.reindex_worker == "auto" and self.database_url is None)
