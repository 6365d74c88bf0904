"""A supplier that behaves like Amazon Business in Japan, for the demo and the tests.

It is a WSGI program of its own (Flask, lxml, requests, sqlite) and shares no code with the
product, in either direction: a mistake made twice would otherwise look like agreement.
Configuration: `punchout.sandbox.config`. Entry point: `punchout.sandbox.wsgi:application`.
"""
