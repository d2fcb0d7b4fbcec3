"""The paths of the administrator's listener."""

from collections import defaultdict

from django.urls import URLPattern, re_path

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


urlpatterns = [*_patterns(), re_path(r"", NothingHere.as_view())]
