"""The duplicate check while the gallery changes its model."""

from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient

from indexer.errors import DuplicateIdentity
from indexer.reindex import control, switch
from indexer.usecases.enrol import NewIdentity
from tests.support.altered_pictures import as_jpeg, opened
from tests.support.reindexing import NEW, PATH, Operator, enrol


@pytest.mark.parametrize("cleaned", [False, True], ids=["with the old embeddings", "without"])
def test_a_switch_in_the_middle_of_an_enrolment_lets_no_duplicate_pass(
    operator: Operator, client: TestClient, hopper: bytes, cleaned: bool
) -> None:
    """The photograph is prepared for the old model, and the gallery has the new one when it is locked."""
    enroller = client.app.state.engine.enroller  # type: ignore[attr-defined]
    enrol(client, "Grace", hopper)
    client.patch(PATH, json={"duplicate_check": "reject"}).raise_for_status()
    job = operator.work(operator.start())

    def switch_model() -> None:
        if operator.gallery().model_fingerprint != NEW.fingerprint:
            switch.activate(operator.database, job.row.id, force="the test is one process")
            if cleaned:
                control.cleanup(operator.database, job.row.id)
                operator.work(job)

    check: Callable[[], object] = switch_model
    with pytest.raises(DuplicateIdentity) as raised:
        enroller.create("staff", NewIdentity(), [as_jpeg(opened(hopper), quality=80)], check=check)

    assert operator.gallery().model_fingerprint == NEW.fingerprint
    assert raised.value.details["candidates"][0]["score"] > 0.9
    assert operator.gallery().face_count == 1
