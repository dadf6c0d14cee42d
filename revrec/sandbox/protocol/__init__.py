"""The XML gateway: HTTP transport, requests, sign-in, operations and responses."""
