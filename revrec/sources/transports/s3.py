"""S3 and stores that speak its protocol."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from revrec.core.errors import BadConfiguration
from revrec.core.keys import ConfigKey, text
from revrec.core.loopback import is_loopback
from revrec.sources.transports.settings import CA_FILE, COMMON, FILES, TEXT, ca_file
from revrec.sources.transports.transport import BLOCK, TLS_REQUIRED, Document, SourceTransport, free_name, missing_extra


class S3Transport(SourceTransport):
    """Objects of a bucket. Credentials come from the platform (environment, role), or are ``user`` with the secret."""

    name = "s3"
    extra = "s3"
    keys = (
        *COMMON,
        *FILES,
        ConfigKey("bucket", text("the name of the bucket in quotes"), "The bucket.", required=True),
        ConfigKey("prefix", TEXT, "The start of the keys, such as orders/."),
        ConfigKey("region", TEXT, "Its region."),
        ConfigKey("endpoint", TEXT, "The URL of an S3-compatible store other than Amazon's."),
        ConfigKey("user", TEXT, "The access key id; the secret access key is the secret."),
        CA_FILE,
    )
    _client: Any = None

    @property
    def where(self) -> str:
        """``s3://bucket/prefix``."""
        return f"s3://{self.settings['bucket']}/{self.settings['prefix'] or ''}"

    def connect(self) -> None:
        """Prepare the client; nothing is sent yet."""
        try:
            import boto3
            from botocore.config import Config
        except ImportError:
            raise missing_extra(self.extra) from None
        endpoint = self.settings["endpoint"]
        parts = urlsplit(endpoint or "https://")
        if parts.scheme != "https" and not is_loopback(parts.hostname or ""):
            raise BadConfiguration(f"{self.where}: endpoint {endpoint}: {TLS_REQUIRED}; write https://")
        seconds = self.settings["timeout"]
        own = {"aws_access_key_id": self.settings["user"], "aws_secret_access_key": self.secret("password")}
        self._client = boto3.client(
            "s3",
            region_name=self.settings["region"],
            endpoint_url=endpoint,
            verify=ca_file(self.settings),
            config=Config(connect_timeout=seconds, read_timeout=seconds, retries={"total_max_attempts": 3}),
            **(own if self.settings["user"] else {}),
        )

    def close(self) -> None:
        """Close the connections."""
        if self._client is not None:
            self._client.close()

    def documents(self) -> Iterator[Document]:
        """Yield the objects by key. Their marker is the ETag."""
        prefix = self.settings["prefix"] or ""
        youngest = datetime.now(UTC) - timedelta(seconds=self.settings["settle_seconds"])
        with self.reported_failures():
            pages = self._client.get_paginator("list_objects_v2").paginate(
                Bucket=self.settings["bucket"], Prefix=prefix
            )
            found = [one for page in pages for one in page.get("Contents", ())]
        for one in found:
            name = one["Key"].rpartition("/")[2]
            if name and self.is_wanted(name) and one["LastModified"] <= youngest and not self._set_aside(one["Key"]):
                yield Document(one["Key"], one["ETag"].strip('"'), one["Size"], one["Key"])

    def _set_aside(self, key: str) -> bool:
        """Return True if an object is where received or refused ones are moved to.

        Those folders can be below ``prefix``. Without this check each fetch would import its own archive again.
        """
        folders = (self.destination(received)[1] for received in (True, False))
        return any(folder and key.startswith(f"{folder.strip('/')}/") for folder in folders)

    def read(self, document: Document) -> Iterator[bytes]:
        """Yield the bytes of an object."""
        with self.reading(document):
            found = self._client.get_object(Bucket=self.settings["bucket"], Key=document.place)
            yield from found["Body"].iter_chunks(BLOCK)

    def settle(self, document: Document, received: bool) -> None:
        """Copy the object to another key and delete it, or only delete it."""
        kind, folder = self.destination(received)
        if kind == "keep":
            return
        bucket = self.settings["bucket"]
        with self.reported_failures():
            if kind == "move":
                there = f"{folder.strip('/')}/"
                name = document.place.rpartition("/")[2]
                destination = there + free_name(name, lambda one: self._is_free(there + one))
                self._client.copy_object(
                    Bucket=bucket, Key=destination, CopySource={"Bucket": bucket, "Key": document.place}
                )
            self._client.delete_object(Bucket=bucket, Key=document.place)

    def _is_free(self, key: str) -> bool:
        """Return True if no object has this key: a copy replaces one that has it."""
        found = self._client.list_objects_v2(Bucket=self.settings["bucket"], Prefix=key, MaxKeys=1)
        return all(one["Key"] != key for one in found.get("Contents", ()))

    def is_document_failure(self, error: Exception) -> bool:
        """Return True for the error codes of an object that is gone, archived, or may not be read."""
        from botocore.exceptions import ClientError

        codes = ("AccessDenied", "NoSuchKey", "InvalidObjectState", "404")
        return isinstance(error, ClientError) and error.response.get("Error", {}).get("Code") in codes

    def reason(self, error: Exception) -> str | None:
        """Return the reason of a failure, including the error code of the store."""
        from botocore.exceptions import BotoCoreError, ClientError

        if isinstance(error, ClientError):
            answer = error.response.get("Error", {})
            return f"the store refused: {answer.get('Code', '')} {answer.get('Message', '')}".strip()
        return type(error).__name__ if isinstance(error, BotoCoreError) else super().reason(error)

    def is_sign_in_failure(self, error: Exception) -> bool:
        """Return True for the error codes of wrong credentials or missing permissions."""
        from botocore.exceptions import ClientError

        codes = ("InvalidAccessKeyId", "SignatureDoesNotMatch", "AccessDenied", "ExpiredToken", "403")
        return isinstance(error, ClientError) and error.response.get("Error", {}).get("Code") in codes
