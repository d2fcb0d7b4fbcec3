"""The paths of the console, below `/gwa/console/` on the administrator's listener."""

from gwa_api.console.site import site

urlpatterns = site.get_urls()
