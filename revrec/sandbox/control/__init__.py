"""Running and controlling a sandbox: the server process, the admin port and its client."""
