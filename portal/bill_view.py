"""The page "Rechnung nachvollziehen": a supplier's tariff, computed on own values."""

from django.http import HttpResponse
from django.views.decorators.http import require_http_methods

from portal.auth import consumer_required
from portal.bill_form import BillForm, form_of
from portal.bill_page import BillPage, bill_page
from portal.frame import show
from portal.request import PortalRequest
from portal.tariff_upload import in_memory, packed
from tariffs import selectors
from tariffs.bill_check import check_bill
from tariffs.trudi.xml_file import FileUnreadable


@require_http_methods(["GET", "HEAD", "POST"])
@consumer_required
@in_memory
def bill(request: PortalRequest) -> HttpResponse:
    """The form, and below it what came out; nothing of the upload is kept.

    The answer to a form is the page itself: there is nothing to come back to.
    """
    form = form_of(request)
    page = None
    if request.method == "POST" and not form.errors:
        page = _checked(request, form)
    is_good = not form.errors and not (page and page.findings)
    return show(
        request,
        "bill",
        "list",
        status=200 if is_good else 400,
        form=form,
        checked=page,
        kept=packed(form.tariff) if page and page.days else "",
    )


def _checked(request: PortalRequest, form: BillForm) -> BillPage | None:
    """None, and told in the form, when the file cannot be read."""
    assert form.chosen is not None  # the form is good
    own = form.chosen.profile
    others = [
        one for one in selectors.profiles_of(request.consumer) if one.id != own.id
    ]
    try:
        check = check_bill(
            request.gateway, own, form.chosen.period, form.tariff, others
        )
    except FileUnreadable as reason:
        text = str(reason)
        form.errors["file"] = text[:1].upper() + text[1:]
        return None
    return bill_page(check, form.tariff, form.day)
