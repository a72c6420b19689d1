"""Every registered codec against the suite that codec authors are given."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

import pytest

from docstore.codecs import CODECS
from docstore.testing.codecs import CodecTests

if TYPE_CHECKING:
    from docstore.codecs.base import Codec


NO_ARROW = pytest.mark.skipif(find_spec('pyarrow') is None, reason='pyarrow is not installed')


class TestDocstore(CodecTests):
    checks = True

    def codec(self) -> Codec:
        return CODECS.load('docstore')()


class TestProtobuf(CodecTests):
    keeps_int = False

    def codec(self) -> Codec:
        return CODECS.load('protobuf')()


class TestProtobufArray(TestProtobuf):
    def codec(self) -> Codec:
        return CODECS.load('protobuf-array')()


class TestJson(CodecTests):
    keeps_dtype = False

    def codec(self) -> Codec:
        return CODECS.load('json')()


class TestJsonLines(CodecTests):
    keeps_dtype = False

    def codec(self) -> Codec:
        return CODECS.load('jsonl')()


@NO_ARROW
class TestArrow(CodecTests):
    def codec(self) -> Codec:
        return CODECS.load('arrow')()


@NO_ARROW
class TestParquet(CodecTests):
    def codec(self) -> Codec:
        return CODECS.load('parquet')()


class TestPickle(CodecTests):
    def codec(self) -> Codec:
        return CODECS.load('pickle')()


class TestPickleArray(CodecTests):
    def codec(self) -> Codec:
        return CODECS.load('pickle-array')()


@pytest.mark.parametrize('name', list(CODECS))
def test_every_registered_codec_is_tested_and_knows_its_name(name: str) -> None:
    tested = [case().codec().name for case in CodecTests.__subclasses__()]
    tested += [case().codec().name for case in TestProtobuf.__subclasses__()]
    assert name in tested
    assert CODECS.load(name).name == name
