"""The only package that connects to Intacct: requests, answers, sessions, credentials, and what each failure means.

Start with :mod:`revrec.intacct.gateway` for the interface and its values, and :mod:`revrec.intacct.client` for the
implementation over XML. The package loads lxml and requests, which takes time, so import it late.
"""
