"""The side of a DocumentArray that is a table: DataFrames, Arrow, Parquet, data sets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, BinaryIO

from .texts import TextSequence

if TYPE_CHECKING:
    from pathlib import Path

    from typing_extensions import Self

__all__ = ['TabularSequence']


class TabularSequence(TextSequence):
    """A sequence of Documents that other libraries take as a table, and give back."""

    def to_dataframe(self, library: str = 'pandas', **kwargs: Any) -> Any:
        """The Documents as a DataFrame, a column for each field that any of them has.

        Parameters
        ----------
        library : {'pandas', 'polars'}
            In pandas, embeddings are arrays and tags are dicts; in polars, the
            columns are those of :meth:`to_arrow`.
        **kwargs
            For the constructor of the DataFrame.

        Raises
        ------
        MissingDependency
            If the library is not installed.
        """
        from .frames import to_frame

        return to_frame(self._records, library, kwargs)

    @classmethod
    def from_dataframe(
        cls, df: Any, field_resolver: Mapping[str, str] | None = None, **kwargs: Any
    ) -> Self:
        """The array of a DataFrame of pandas or polars.

        What is missing (NaN, None) is not set. Columns that are no fields
        become tags.

        Parameters
        ----------
        df : DataFrame
            Or anything that gives a table of Arrow.
        field_resolver : dict, optional
            The fields that columns mean.
        **kwargs
            ``storage`` and ``config`` of the array that is made.

        Raises
        ------
        InvalidDocument
            If a value is of another type than its field, or two columns have
            one name; the message has row and field.
        """
        from .frames import read_frame

        return cls._from_blocks(read_frame(df, field_resolver), **kwargs)

    def to_arrow(self) -> Any:
        """The Documents as a ``pyarrow.Table``.

        Embeddings of one type and shape are a column of fixed-size lists: for
        an array in memory whose embeddings are one matrix, that matrix itself.
        Tags and scores are JSON; nested Documents are packed bytes.

        Raises
        ------
        MissingDependency
            If ``pyarrow`` is not installed.
        EncodeError
            If a value has no form in Arrow; the message names field and row.
        """
        from .frames import arrow_reader

        return arrow_reader(self._records).read_all()

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        from .frames import arrow_reader

        made: object = arrow_reader(self._records).__arrow_c_stream__(requested_schema)
        return made

    def __arrow_c_schema__(self) -> object:
        from .frames import arrow_reader

        made: object = arrow_reader(self._records).schema.__arrow_c_schema__()
        return made

    @classmethod
    def from_arrow(
        cls, table: Any, field_resolver: Mapping[str, str] | None = None, **kwargs: Any
    ) -> Self:
        """The array of a table of Arrow.

        A matrix of embeddings is not copied. Columns that are no fields become
        tags.

        Parameters
        ----------
        table : pyarrow.Table, or anything with ``__arrow_c_stream__``
            Such as a DataFrame of polars, or a relation of DuckDB.
        field_resolver : dict, optional
            The fields that columns mean.
        **kwargs
            ``storage`` and ``config`` of the array that is made; a store is
            filled a batch at a time.

        Raises
        ------
        InvalidType
            If it is no table.
        InvalidDocument
            If a column has another type than its field, or two columns one name.
        """
        from .frames import read_table

        return cls._from_blocks(read_table(table, field_resolver), **kwargs)

    def save_parquet(self, file: str | Path | BinaryIO) -> None:
        """Write a Parquet file with the columns of :meth:`to_arrow`, a block at a time.

        The errors are those of :meth:`save_binary` with ``protocol='parquet'``.
        """
        self._dump(file, 'parquet', None, show=False)

    @classmethod
    def load_parquet(
        cls,
        file: str | Path | BinaryIO | bytes,
        field_resolver: Mapping[str, str] | None = None,
        **kwargs: Any,
    ) -> Self:
        """The array of a Parquet file, ours or of another program.

        Parameters
        ----------
        file : path, open file or bytes
        field_resolver : dict, optional
            The fields that columns mean; columns that are no fields become tags.
        **kwargs
            As in :meth:`load_binary`; a store is filled a batch at a time.

        Raises
        ------
        CorruptData
            If it is damaged or no Parquet file, or a column has another type
            than its field.
        """
        array: Self = cls.load_binary(file, 'parquet', field_resolver=field_resolver, **kwargs)
        return array

    def to_huggingface_datasets(self) -> Any:
        """The Documents as a ``datasets.Dataset``, in the columns of :meth:`to_arrow`.

        Raises
        ------
        MissingDependency
            If ``datasets`` is not installed.
        """
        from .frames import to_dataset

        return to_dataset(self._records)
