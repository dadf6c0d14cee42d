"""The only place that talks to Intacct: requests, answers, sessions, credentials and what each failure means.

Start at :mod:`revrec.intacct.gateway` for the interface and its values, and at :mod:`revrec.intacct.client` for the
gateway over XML. lxml and requests are imported nowhere else, so import this package late.
"""
