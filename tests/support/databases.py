"""Results files opened by tests themselves."""
import contextlib
import pathlib
import sqlite3


@contextlib.contextmanager
def database_of(path: pathlib.Path):
    """A connection that commits and closes. One that is only dropped stays open until the garbage collector comes by,
    and as long as it is open no other program can tidy up the log beside the file."""
    with contextlib.closing(sqlite3.connect(path)) as database, database:
        yield database
