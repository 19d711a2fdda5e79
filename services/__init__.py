"""Watch Together's services. A thing's name is its path: `services.sync.room`."""

__version__ = "0.1.0"
