"""Lists of the admin, cut to what is wanted: own columns, own filters, one search.

Nothing of a list is an ORM path from outside: filters have names of their own, any
other parameter is refused, columns are functions, and there is no ordering by request.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters, ShowFacets
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import BadRequest
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, re_path
from django.utils.translation import gettext as _

from gwa_api.console.access import Largest, guarded
from gwa_api.console.pages import PREFIX, SAYS, show
from gwa_api.rest.path_ids import expression_of

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[Any]
else:
    ModelAdmin = admin.ModelAdmin

LONGEST_SEARCH = 64


class Choice(admin.SimpleListFilter):
    """A filter by a word of its own; `field` is the column that it compares.

    Values that are no choice are refused.
    """

    field: ClassVar[str] = ""

    def choices_of(self) -> Sequence[tuple[str, Any]]:
        """Values and what they are called."""
        raise NotImplementedError

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        """See the base class."""
        return self.choices_of()

    def queryset(self, request: Any, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """The rows of the chosen value."""
        value = self.value()
        if value in (None, ""):
            return queryset
        if value not in dict(self.choices_of()):
            raise BadRequest
        return self.filtered(queryset, value)

    def filtered(self, rows: QuerySet[Any], value: str) -> QuerySet[Any]:
        """The rows of one value."""
        return rows.filter(**{self.field: value})

    def has_output(self) -> bool:
        """Shown even where all rows are alike."""
        return True


class OwnChangeList(ChangeList):
    """Django's list: pages, search and filters; rows lead to our own addresses."""

    def url_for_result(self, result: Model) -> str:
        """The page of a row."""
        admin: Any = self.model_admin
        return str(admin.address_of(result))


def page(
    path: str,
    view: Any,
    name: str,
    *,
    posts: bool = False,
    largest: Largest | None = None,
) -> URLPattern:
    """A page of the console; `path` is a template with ids, as the API's paths are."""
    methods = ("GET", "POST") if posts else ("GET",)
    made = guarded(view, PREFIX + path, methods=methods, largest=largest)
    return re_path(f"^{expression_of(path)}$", made, name=name)


class ListAdmin(ModelAdmin):
    """A list of one table; `path` is where, `title` what it is called."""

    path: ClassVar[str]
    title: ClassVar[Any]
    hint: ClassVar[Any] = ""
    """What an empty list says."""
    search_label: ClassVar[Any] = ""
    template: ClassVar[str] = "list"
    has_pages: ClassVar[bool] = False
    """Whether a row has a page of its own."""
    buttons: ClassVar[Sequence[tuple[str, Any]]] = ()
    """Above the list: path below the console, and word."""

    actions = None
    list_per_page = 50
    show_full_result_count = False
    show_facets = ShowFacets.NEVER
    sortable_by = ()

    @property
    def name(self) -> str:
        """What its addresses are called."""
        return self.path.strip("/").replace("/", "-")

    def get_urls(self) -> list[URLPattern]:
        """Its list; the classes below have more pages."""
        return [page(self.path, self.changelist_view, self.name)]

    def address_of(self, row: Model) -> str:
        """The page of a row."""
        return f"{PREFIX}{self.path}{row.pk}/"

    def has_view_permission(self, request: Any, obj: Any = None) -> bool:
        """Whoever passed `guarded` is the administrator."""
        return True

    def has_add_permission(self, request: Any, obj: Any = None) -> bool:
        """Never by the admin's own way: changes go through the API's routes."""
        return False

    has_change_permission = has_delete_permission = has_add_permission

    def lookup_allowed(self, lookup: str, value: str, request: Any = None) -> bool:
        """No column: only the list's own filters, which look for one themselves."""
        return lookup in self.filter_names()

    def filter_names(self) -> set[str]:
        """The parameters of its filters."""
        filters: Sequence[Any] = self.list_filter
        return {one.parameter_name for one in filters}

    def get_changelist(self, request: Any, **more: Any) -> type[ChangeList]:
        """See `OwnChangeList`."""
        return OwnChangeList

    def changelist_view(self, request: Any, extra_context: Any = None) -> HttpResponse:
        """A page of the list; any parameter but the list's own is refused."""
        known = {"p", SAYS} | self.filter_names()
        known |= {"q"} if self.search_fields else set()
        asked = request.GET.get("q", "")
        if set(request.GET) - known or "\0" in asked or len(asked) > LONGEST_SEARCH:
            raise BadRequest
        said = request.GET
        request.GET = said.copy()
        request.GET.pop(SAYS, None)
        try:
            found = self.get_changelist_instance(request)
        except IncorrectLookupParameters:
            raise BadRequest from None
        finally:
            request.GET = said
        filters: Sequence[Any] = found.filter_specs
        chosen = [(one, said.get(one.parameter_name, "")) for one in filters]
        return show(
            request,
            self.template,
            admin=self,
            columns=[column.short_description for column in self._columns()],
            rows=list(self._rows(found)),
            pager=_pager(found),
            filters=chosen,
            query=asked,
            is_filtered=bool(asked or any(value for _one, value in chosen)),
            **self.context(request),
        )

    def context(self, request: Any) -> dict[str, Any]:
        """What the template needs beside the list."""
        return {}

    def row_actions(self, row: Any) -> Sequence[tuple[str, str]]:
        """What can be done with a row: address and word."""
        return ()

    def _columns(self) -> list[Any]:
        return [getattr(self, str(name)) for name in self.list_display]

    def _rows(self, found: ChangeList) -> Iterator[dict[str, Any]]:
        columns = self._columns()
        for row in found.result_list:
            yield {
                "href": self.address_of(row) if self.has_pages else "",
                "values": [(one.short_description, one(row)) for one in columns],
                "actions": self.row_actions(row),
            }


def _pager(found: ChangeList) -> dict[str, Any]:
    pages, number = found.paginator.num_pages, found.page_num
    before = found.get_query_string({"p": number - 1}) if number > 1 else ""
    after = found.get_query_string({"p": number + 1}) if number < pages else ""
    return {
        "count": found.result_count,
        "number": number,
        "pages": pages,
        "before": before,
        "after": after,
    }


def yes_or_no(value: bool) -> str:
    """A word instead of an icon."""
    return _("ja") if value else _("nein")
