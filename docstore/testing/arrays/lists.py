"""List operations.

Section 5 of the inventory of names.
"""

from __future__ import annotations

import random
import re
from typing import Any

import pytest

from docstore.array import DocumentArray
from docstore.document import Document

from ..checks import contents, ids, make_docs
from .base import ArraySuite, Opener

__all__ = ['ListTests']


class ListTests(ArraySuite):
    """An array is a mutable sequence of Documents."""

    def test_a_new_array_is_empty(self, empty: DocumentArray) -> None:
        assert len(empty) == 0
        assert not empty
        assert list(empty) == []
        assert list(reversed(empty)) == []

    def test_it_takes_a_document(self, opener: Opener) -> None:
        assert ids(opener(Document(id='only'))) == ['only']

    def test_it_takes_any_iterable(self, opener: Opener) -> None:
        for docs in (
            make_docs(3),
            tuple(make_docs(3)),
            iter(make_docs(3)),
            DocumentArray(make_docs(3)),
        ):
            array = opener(docs)
            assert array
            assert contents(array) == contents(make_docs(3))

    def test_append(self, empty: DocumentArray) -> None:
        for doc in make_docs(3):
            empty.append(doc)
        assert contents(empty) == contents(make_docs(3))

    def test_extend(self, da: DocumentArray) -> None:
        more = make_docs(6, start=5)
        da.extend(more[:2])
        da.extend(iter(more[2:4]))
        da.extend(DocumentArray(more[4:]))
        da.extend([])
        assert contents(da) == contents(make_docs(11))

    @pytest.mark.parametrize('index', [0, 1, 4, 5, 9, -1, -5, -9])
    def test_insert(self, da: DocumentArray, index: int) -> None:
        expected = ids(da)
        expected.insert(index, 'new')
        da.insert(index, Document(id='new', text='x'))
        assert ids(da) == expected
        assert da['new'].text == 'x'

    def test_many_inserts_at_one_place(self, da: DocumentArray) -> None:
        expected = ids(da)
        for i in range(150):
            expected.insert(2, f'n{i}')
            da.insert(2, Document(id=f'n{i}'))
        assert ids(da) == expected
        assert [da[i].id for i in range(len(da))] == expected

    def test_inserts_and_deletes_all_over(self, da: DocumentArray) -> None:
        expected, rng = ids(da), random.Random(3)
        for i in range(200):
            if rng.random() < 0.7:
                at = rng.randrange(len(expected) + 1)
                expected.insert(at, f'n{i}')
                da.insert(at, Document(id=f'n{i}'))
            else:
                at = rng.randrange(len(expected))
                del expected[at]
                del da[at]
        assert ids(da) == expected

    @pytest.mark.parametrize('args', [(), (0,), (2,), (-2,)])
    def test_pop_returns_the_whole_document(self, da: DocumentArray, args: tuple[int, ...]) -> None:
        expected = make_docs(5)
        wanted = expected.pop(*args)
        popped = da.pop(*args)
        assert contents([popped]) == contents([wanted])
        assert contents(da) == contents(expected)

    def test_pop_beyond_the_end(self, da: DocumentArray, empty: DocumentArray) -> None:
        for array, args in ((da, (5,)), (da, (-6,)), (empty, ())):
            with pytest.raises(IndexError):
                array.pop(*args)
        assert len(da) == 5

    def test_remove(self, da: DocumentArray) -> None:
        da.remove(da[1])
        assert ids(da) == ['d0', 'd2', 'd3', 'd4']

    def test_remove_of_a_stranger(self, da: DocumentArray) -> None:
        with pytest.raises(ValueError):
            da.remove(Document(id='stranger'))
        assert len(da) == 5

    def test_index_and_count(self, da: DocumentArray) -> None:
        assert da.index(da[3]) == 3
        assert da.count(da[3]) == 1
        stranger = Document(id='stranger')
        assert da.count(stranger) == 0
        with pytest.raises(ValueError):
            da.index(stranger)

    def test_reverse(self, da: DocumentArray) -> None:
        da.reverse()
        assert contents(da) == contents(reversed(make_docs(5)))
        da.append(Document(id='last'))
        da.insert(0, Document(id='first'))
        assert ids(da) == ['first', 'd4', 'd3', 'd2', 'd1', 'd0', 'last']
        assert da['d4'].text == 'text 4'

    def test_clear(self, da: DocumentArray) -> None:
        da.clear()
        assert len(da) == 0
        assert 'd0' not in da
        da.append(Document(id='d0', text='again'))
        assert da.texts == ['again']

    def test_iteration(self, da: DocumentArray) -> None:
        assert ids(da) == ids(iter(da)) == [f'd{i}' for i in range(5)]
        assert ids(reversed(da)) == [f'd{i}' for i in range(4, -1, -1)]

    def test_sorted_is_a_list(self, da: DocumentArray) -> None:
        result = sorted(da, key=lambda doc: -doc.weight)
        assert isinstance(result, list)
        assert ids(result) == ['d4', 'd3', 'd2', 'd1', 'd0']

    def test_contains(self, da: DocumentArray) -> None:
        assert 'd1' in da
        assert 'd9' not in da
        assert Document(id='d1', text='another text') in da
        assert Document(id='d9') not in da
        strangers: list[Any] = [1, None, 1.5, b'd1']
        assert not any(stranger in da for stranger in strangers)

    def test_add_makes_a_new_array(self, da: DocumentArray) -> None:
        for right in (make_docs(2, start=5), DocumentArray(make_docs(2, start=5))):
            both = da + right
            assert isinstance(both, DocumentArray)
            assert contents(both) == contents(make_docs(7))
            assert contents(da) == contents(make_docs(5))

    def test_add_copies_the_left_side(self, da: DocumentArray) -> None:
        both = da + []  # noqa: RUF005
        both[0].text = 'changed'
        both.append(Document(id='more'))
        assert contents(da) == contents(make_docs(5))

    def test_add_in_place(self, da: DocumentArray) -> None:
        same = da
        da += make_docs(2, start=5)
        assert da is same
        assert contents(da) == contents(make_docs(7))

    def test_equality(self, da: DocumentArray) -> None:
        assert da == da
        assert not da != da
        assert da != list(da)
        assert da != 'd0'

    def test_repr(self, da: DocumentArray) -> None:
        tags = {'memory': '', 'sqlite': '[SQLite]', 'annlite': '[AnnLite]', 'disk': '[Disk]'}
        tag = re.escape(tags.get(self.storage, f'[{self.storage}]'))
        assert re.fullmatch(rf'<DocumentArray{tag} \(length=5\) at \w+>', repr(da))

    def test_storage_names_itself(self, da: DocumentArray) -> None:
        assert da.storage == (self.kind or self.storage)

    def test_summary_says_how_many(self, da: DocumentArray, capsys: Any) -> None:
        da.summary()
        shown = capsys.readouterr().out
        assert 'DocumentArray' in shown
        assert '5' in shown

    def test_duplicate_ids(self, da: DocumentArray) -> None:
        if self.persistent:
            pytest.skip('ids are unique here: see the tests of what is refused')
        da.append(Document(id='d1', text='second'))
        assert len(da) == 6
        assert da['d1'].text == 'second'
        assert da[1].text == 'text 1'

    def test_upsert_replaces_and_inserts(self, da: DocumentArray) -> None:
        da.upsert([Document(id='d3', text='new 3'), Document(id='d9', text='new 9')])
        assert ids(da) == ['d0', 'd1', 'd2', 'd3', 'd4', 'd9']
        # The Document is replaced as a whole: its old tags are gone.
        assert contents([da['d3']]) == [{'id': 'd3', 'text': 'new 3'}]
        assert da['d9'].text == 'new 9'

    def test_upsert_of_one_id_twice_keeps_the_last(self, da: DocumentArray) -> None:
        da.upsert(
            [Document(id=i, text=t) for i, t in (('d1', 'a'), ('n', 'b'), ('d1', 'c'), ('n', 'd'))]
        )
        assert ids(da) == ['d0', 'd1', 'd2', 'd3', 'd4', 'n']
        assert (da['d1'].text, da['n'].text) == ('c', 'd')

    def test_upsert_into_an_empty_array(self, empty: DocumentArray) -> None:
        empty.upsert(make_docs(3))
        assert contents(empty) == contents(make_docs(3))

    def test_no_operations_that_a_list_of_documents_cannot_have(self, da: Any) -> None:
        with pytest.raises(TypeError):
            _ = da * 2
        with pytest.raises(TypeError):
            _ = [] + da  # noqa: RUF005
