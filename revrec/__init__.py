"""revrec: a revenue recognition scheduling engine."""

__version__ = "0.1.0"
