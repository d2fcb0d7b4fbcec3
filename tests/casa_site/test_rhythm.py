"""What beat sends is what the nodes know."""

from casa_site.celery import NODES, RHYTHM, ROUTES, app


def test_every_task_of_the_rhythm_is_known_to_the_nodes() -> None:
    app.loader.import_default_modules()
    assert set(RHYTHM) <= set(app.tasks)


def test_every_route_leads_to_a_queue_that_a_node_consumes() -> None:
    consumed = {queue for queues in NODES.values() for queue in queues}
    assert {route["queue"] for route in ROUTES.values()} <= consumed
