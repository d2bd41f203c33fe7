"""A gallery goes from `sface` to `sface-int8` and back."""

from fastapi.testclient import TestClient

from indexer.embedding.card import ModelCard
from indexer.embedding.catalog import sface_int8
from tests.support.home import wait_for
from tests.support.reindexing import OLD, Operator, enrol, who

INT8 = sface_int8(mirror=True)


def switch(operator: Operator, client: TestClient, to: ModelCard) -> None:
    job = operator.start(to)
    assert operator.work(job).row.state == "ready"
    path = f"/v1/reindexes/{job.row.id}"
    client.post(f"{path}/activate").raise_for_status()
    client.post(f"{path}/cleanup").raise_for_status()
    operator.work(job)


def test_everyone_is_found_after_a_change_to_int8_and_after_the_change_back(
    operator: Operator, client: TestClient, hopper: bytes, collins: bytes
) -> None:
    enrol(client, "Grace", hopper)
    enrol(client, "Eileen", collins)

    for model in (INT8, OLD):
        switch(operator, client, model)

        assert who(client, hopper) == ("Grace", model.fingerprint)
        assert who(client, collins) == ("Eileen", model.fingerprint)
        wait_for(operator.clean)  # until the server has reported the model that it searches with now
