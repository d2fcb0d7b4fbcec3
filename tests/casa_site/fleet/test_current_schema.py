"""The gateway of a context: of a thread, of a block, of a piece of work."""

import threading
from collections.abc import Callable
from contextvars import copy_context

import pytest

from casa_site.db.postgresql.schema import current_schema, enter_schema, in_schema


def test_a_block_ends_where_it_began() -> None:
    assert current_schema() is None
    with in_schema("gateway_one"):
        with pytest.raises(ZeroDivisionError), in_schema("gateway_two"):
            assert current_schema() == "gateway_two"
            raise ZeroDivisionError
        assert current_schema() == "gateway_one"
    assert current_schema() is None


def seen_by_a_thread(work: Callable[[], str | None]) -> str | None:
    seen = []
    thread = threading.Thread(target=lambda: seen.append(work()))
    thread.start()
    thread.join()
    return seen[0]


def test_a_thread_begins_without_a_gateway_unless_it_is_given_one() -> None:
    with in_schema("gateway_one"):
        context = copy_context()
        assert seen_by_a_thread(current_schema) is None
        assert seen_by_a_thread(lambda: context.run(current_schema)) == "gateway_one"


def test_entering_holds_for_the_rest_of_the_context() -> None:
    def work() -> str | None:
        enter_schema("gateway_one")
        enter_schema("gateway_two")
        return current_schema()

    assert copy_context().run(work) == "gateway_two"
    assert current_schema() is None


@pytest.mark.parametrize("name", ["", "a b", 'x"; DROP', "Gateway", "1a", "a" * 64])
def test_what_is_no_plain_name_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="no name of a schema"), in_schema(name):
        pass
    with pytest.raises(ValueError, match="no name of a schema"):
        enter_schema(name)
