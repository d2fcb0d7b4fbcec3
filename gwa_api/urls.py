"""The paths of the administrator's listener."""

from collections import defaultdict

from django.urls import URLPattern, URLResolver, re_path
from django.urls.resolvers import RoutePattern

from gwa_api.rest.declaration import PREFIX, Route
from gwa_api.rest.path_ids import expression_of
from gwa_api.rest.routes import ALL
from gwa_api.rest.view import NothingHere, ResourceView


def _patterns() -> list[URLPattern]:
    by_path: dict[str, dict[str, Route]] = defaultdict(dict)
    for route in ALL:
        by_path[route.path][route.method] = route
    return [
        re_path(
            f"^{PREFIX[1:]}{expression_of(path)}$",
            ResourceView.as_view(
                routes=routes,
                template=f"{PREFIX}{path}",
                http_method_names=[method.lower() for method in routes],
            ),
        )
        for path, routes in by_path.items()
    ]


CONSOLE = URLResolver(
    RoutePattern("gwa/console/"),
    "gwa_api.console.urls",
    app_name="admin",
    namespace="console",
)
"""By its name: it is imported with its first request, so that only the process that
serves it has its memory."""

urlpatterns = [*_patterns(), CONSOLE, re_path(r"", NothingHere.as_view())]
