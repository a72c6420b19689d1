"""Data URIs: bytes, their mime type and charset, in one string."""

from __future__ import annotations

import re
from binascii import Error as Base64Error
from dataclasses import dataclass

from ..errors import CorruptData, EncodeError, InvalidArgument

__all__ = ['DataUri', 'encode_text', 'is_data_uri', 'make', 'parse']

_PERCENT = re.compile(r'%(?![0-9A-Fa-f]{2})')
_MIME = re.compile(r'[A-Za-z0-9!#$&^_.+-]+/[A-Za-z0-9!#$&^_.+-]+(;[^,;\s]+)*')


@dataclass(frozen=True, slots=True)
class DataUri:
    """What a data URI says.

    Parameters
    ----------
    mime_type : str
        ``'text/plain'`` where it says nothing.
    charset : str or None
        The charset that it names.
    data : bytes
        Its content, decoded.
    """

    mime_type: str
    charset: str | None
    data: bytes


def is_data_uri(uri: str) -> bool:
    """Whether ``uri`` is a data URI."""
    return uri[:5].lower() == 'data:'


def encode_text(text: str, charset: str) -> bytes:
    """``text`` as bytes.

    Raises
    ------
    InvalidArgument
        If Python knows no such charset.
    EncodeError
        If the charset has no sign for a character.
    """
    try:
        return text.encode(charset)
    except LookupError:
        raise InvalidArgument(f'unknown charset {charset!r}') from None
    except UnicodeError as error:
        raise EncodeError(f'the text cannot be written in {charset}: {error}') from error


def make(data: bytes, mime_type: str, charset: str = 'utf-8', base64: bool = False) -> str:
    """A data URI.

    Examples
    --------
    >>> make(b'a b', 'text/plain')
    'data:text/plain;charset=utf-8,a%20b'
    >>> make(b'a b', 'image/png', charset='', base64=True)
    'data:image/png;base64,YSBi'
    """
    if mime_type and not _MIME.fullmatch(mime_type):
        raise InvalidArgument(f'{mime_type!r} is no mime type: a data URI cannot hold it')
    if charset and not re.fullmatch(r'[\w.:+-]+', charset):
        raise InvalidArgument(f'{charset!r} is no name of a charset')
    head = f'data:{mime_type}' + (f';charset={charset}' if charset else '')
    if base64:
        from base64 import b64encode

        return f'{head};base64,{b64encode(data).decode("ascii")}'
    from urllib.parse import quote

    return f'{head},{quote(data)}'


def parse(uri: str) -> DataUri:
    """Read a data URI.

    Raises
    ------
    CorruptData
        If it is none, or its percent signs or its base64 are damaged.

    Examples
    --------
    >>> parse('data:text/plain;charset=utf-8;base64,aGVsbG8')
    DataUri(mime_type='text/plain', charset='utf-8', data=b'hello')
    """
    head, comma, body = uri[5:].partition(',')
    if not is_data_uri(uri) or not comma:
        raise CorruptData(f'{_start(uri)} is no data URI: expected "data:[type][;base64],content"')
    mime_type, *parameters = head.split(';')
    names = [parameter.strip().lower() for parameter in parameters]
    charset = next((name[8:].strip('"') for name in names if name.startswith('charset=')), None)
    as_base64 = bool(names) and names[-1] == 'base64'
    data = _unquoted(body, uri)
    if as_base64:
        data = _from_base64(data, uri)
    return DataUri(mime_type.strip().lower() or 'text/plain', charset, data)


def _unquoted(body: str, uri: str) -> bytes:
    from urllib.parse import unquote_to_bytes

    wrong = _PERCENT.search(body)
    if wrong:
        at = wrong.start()
        raise CorruptData(
            f'{_start(uri)} is damaged: {body[at : at + 3]!r} is no percent-encoded byte'
        )
    return unquote_to_bytes(body)


def _from_base64(data: bytes, uri: str) -> bytes:
    from base64 import b64decode

    # White space and missing padding are common, and harm nobody.
    packed = b''.join(data.split()).rstrip(b'=')
    try:
        return b64decode(packed + b'=' * (-len(packed) % 4), validate=True)
    except (Base64Error, ValueError) as error:
        raise CorruptData(f'{_start(uri)} is damaged base64: {error}') from error


def _start(uri: str) -> str:
    return repr(uri if len(uri) <= 60 else f'{uri[:57]}...')
