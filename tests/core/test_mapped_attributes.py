"""Mapped attributes without the columns that nothing asks for."""
import gc

import pytest
from sqlalchemy import String, event, select
from sqlalchemy.orm import DeclarativeBase, Mapped, configure_mappers, mapped_column

from portal.core import mapped_attributes


def mapped():
    class Base(DeclarativeBase):
        pass

    class Shelf(Base):
        __tablename__ = "shelves"
        id: Mapped[int] = mapped_column(primary_key=True)
        label: Mapped[str] = mapped_column(String(40))

    configure_mappers()
    return Shelf


def columns_made(cls):
    return {made.key for made in gc.get_objects()
            if type(made).__name__ == "AnnotatedColumn" and made.table is cls.__table__}


def test_an_attributes_column_is_made_by_the_statement_that_names_it():
    shelf = mapped()
    assert columns_made(shelf) == set()
    assert str(select(shelf.id).where(shelf.label == "a")).splitlines() == [
        "SELECT shelves.id ", "FROM shelves ", "WHERE shelves.label = :label_1"]
    assert columns_made(shelf) == {"id", "label"}


def test_sqlalchemy_alone_makes_all_of_them_when_it_maps():
    """When this fails, SQLAlchemy asks as we do: `portal/core/mapped_attributes.py` can go."""
    mapped_attributes._ATTRIBUTE.dispatch = mapped_attributes._AS_IT_WAS
    try:
        shelf = mapped()
    finally:
        mapped_attributes.spare_columns()
    assert columns_made(shelf) == {"id", "label"}


@pytest.mark.parametrize("before", [True, False], ids=["told before it is used", "told afterwards"])
def test_an_attributes_events_are_heard(before):
    shelf, heard = mapped(), []

    def listen():
        event.listen(shelf.label, "set", lambda target, value, old, by: heard.append(value))

    if before:
        listen()
    one = shelf(label="a")
    if not before:
        listen()
    one.label = "b"
    assert heard == (["a", "b"] if before else ["b"])
    assert shelf.label.dispatch is shelf.label.dispatch
    assert shelf.label.dispatch is not shelf.id.dispatch
