"""The types of the database that other packages name in annotations, so that only the store imports SQLAlchemy."""

from sqlalchemy import Connection, Row

__all__ = ["Connection", "Row"]
