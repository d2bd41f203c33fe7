"""What the log tells of requests that fail."""

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from indexer.errors import Busy, DatabaseUnavailable, GemelError
from service import error_handlers


@pytest.mark.parametrize("error", [Busy("no thread is free"), DatabaseUnavailable("away")])
def test_requests_that_fail_alike_do_not_fill_the_log(
    error: GemelError, caplog: pytest.LogCaptureFixture
) -> None:
    app = FastAPI()
    error_handlers.install(app)

    @app.get("/")
    def route() -> None:
        raise error

    client = TestClient(app)
    assert {client.get("/").status_code for _ in range(200)} == {503}
    lines = [record for record in caplog.records if record.name == "service.errors"]
    assert 1 <= len(lines) <= 3, "one, and another when this takes more than ten seconds"
    assert error.code in lines[0].getMessage()
