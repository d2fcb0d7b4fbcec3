"""The gateway's partners as programs of their own: a recipient (EMT) and a head-end.

They know nothing of the gateway's database: what they have is a folder with their own
keys, the certificates of those they trust, and what they got. For back-end authors,
the demo and the tests.
"""
