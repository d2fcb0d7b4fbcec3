"""The administrator's console: pages on the listener of his REST interface.

Django's admin with a site of its own and nothing of its defaults: who asks is told by
the certificate of the connection, what is changed goes through the routes of the API
(`gwa_api.rest`), and no model is reachable that is not registered here. The package is
imported with the first request below `/gwa/console/`, in that process alone.
"""
