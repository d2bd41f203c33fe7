"""A challenge's token is known to one caller, counts once, and expires."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import select, text

from indexer.callers import Caller, current_caller
from indexer.errors import ChallengeExpired, ChallengeNotFound, ChallengeUsed, GemelError
from indexer.liveness import challenges
from indexer.liveness.movements import Movement
from indexer.records.database.session import Database
from indexer.records.liveness_challenges import KEPT, old_challenges
from indexer.records.tables import LivenessChallenge


def age(database: Database, by: timedelta) -> None:
    with database.transaction() as session:
        session.execute(text("UPDATE liveness_challenge SET expires_at = expires_at - :by"), {"by": by})


def test_a_challenge_is_redeemed_once(database: Database) -> None:
    challenge = challenges.draw(database)

    assert len(challenge.movements) == 3
    assert challenges.redeem(database, challenge.token) == challenge.movements
    with pytest.raises(ChallengeUsed):
        challenges.redeem(database, challenge.token)


def test_of_many_that_redeem_a_token_at_once_one_succeeds(database: Database) -> None:
    token = challenges.draw(database).token

    def redeem(_: int) -> list[Movement] | GemelError:
        try:
            return challenges.redeem(database, token)
        except ChallengeUsed as error:
            return error

    with ThreadPoolExecutor(8) as threads:
        results = list(threads.map(redeem, range(8)))

    assert sum(isinstance(result, list) for result in results) == 1


def test_a_challenge_expires_after_a_minute(database: Database) -> None:
    late, in_time = challenges.draw(database), challenges.draw(database)
    age(database, timedelta(seconds=50))
    challenges.redeem(database, in_time.token)
    age(database, timedelta(seconds=11))

    with pytest.raises(ChallengeExpired):
        challenges.redeem(database, late.token)


@pytest.mark.parametrize("token", ["", "0", "x" * 43])
def test_a_token_that_nobody_drew_is_unknown(database: Database, token: str) -> None:
    challenges.draw(database)

    with pytest.raises(ChallengeNotFound):
        challenges.redeem(database, token)


def test_a_token_of_another_key_is_unknown_and_stays_good_for_its_own(database: Database) -> None:
    own = current_caller.set(Caller(name="one", key_id=uuid4()))
    challenge = challenges.draw(database)
    for caller in (Caller(name="another", key_id=uuid4()), Caller(name="bootstrap")):
        other = current_caller.set(caller)
        with pytest.raises(ChallengeNotFound):
            challenges.redeem(database, challenge.token)
        current_caller.reset(other)

    assert challenges.redeem(database, challenge.token) == challenge.movements
    current_caller.reset(own)


def test_the_token_itself_is_not_stored_and_old_challenges_are_deleted(database: Database) -> None:
    old = challenges.draw(database)
    age(database, KEPT + timedelta(seconds=61))
    new = challenges.draw(database)

    with database.reading() as session:
        [row] = session.scalars(select(LivenessChallenge)).all()
    assert row.movements == new.movements
    assert new.token.encode() not in row.token_hash
    with pytest.raises(ChallengeNotFound):
        challenges.redeem(database, old.token)


def test_old_challenges_are_found_by_their_index(database: Database) -> None:
    found = str(old_challenges().compile(database.engine, compile_kwargs={"literal_binds": True}))
    with database.reading() as session:
        session.execute(text("SET LOCAL enable_seqscan = off"))
        plan = "\n".join(session.scalars(text(f"EXPLAIN {found}")))

    assert "Index Cond: (expires_at <" in plan
