"""metaart: few-shot learning for art."""

__version__ = "0.1.0"
