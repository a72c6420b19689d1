from __future__ import annotations

import copy
import pickle

import pytest

from docstore import Document, NamedScore
from docstore.errors import DocstoreError, UnknownField
from docstore.testing.checks import refuses

pytestmark = pytest.mark.spec('3')


def test_an_empty_score_shows_its_defaults():
    score = NamedScore()
    assert (score.value, score.op_name, score.description, score.ref_id) == (0.0, '', '', '')
    assert score.to_dict() == {}
    assert repr(score) == '{}'


def test_fields_are_given_by_name_or_in_a_dict():
    score = NamedScore(value=0.5, op_name='cosine', description='d', ref_id='r')
    assert score.to_dict() == {
        'value': 0.5, 'op_name': 'cosine', 'description': 'd', 'ref_id': 'r'
    }  # fmt: skip
    assert NamedScore({'value': 0.5, 'ref_id': 'r'}).to_dict() == {'value': 0.5, 'ref_id': 'r'}
    assert NamedScore({'value': 1.0}, value=2.0).value == 1.0, 'as with Document, the dict wins'


def test_none_means_unset():
    assert repr(NamedScore(value=None)) == '{}'
    score = NamedScore(value=3.0)
    score.value = None
    assert score.value == 0.0
    assert score.to_dict() == {}


def test_to_dict_and_repr_have_what_is_set():
    score = NamedScore(value=1.5)
    assert score.to_dict() == {'value': 1.5}
    score.op_name = 'op'
    assert repr(score) == "{'value': 1.5, 'op_name': 'op'}"
    score.to_dict()['value'] = 9
    assert score.value == 1.5


def test_an_unknown_name_is_refused():
    with refuses(UnknownField, AttributeError, 'valeu', "did you mean 'value'"):
        NamedScore(valeu=1)
    with refuses(UnknownField, AttributeError, 'other'):
        NamedScore({'other': 1})
    with refuses(DocstoreError, ValueError, 'str'):
        NamedScore('cosine')  # type: ignore[arg-type]


def test_a_score_of_a_score_is_shared_unless_copied():
    score = NamedScore(value=1.0)
    shared, copied = NamedScore(score), NamedScore(score, copy=True)
    score.value = 2.0
    assert (shared.value, copied.value) == (2.0, 1.0)


def test_a_score_of_a_score_with_other_fields_leaves_the_first_alone():
    score = NamedScore(value=1.0, op_name='op')
    changed = NamedScore(score, value=2.0)
    assert changed.to_dict() == {'value': 2.0, 'op_name': 'op'}
    assert score.value == 1.0


def test_equality_is_by_fields():
    assert NamedScore(value=1.0) == NamedScore(value=1.0)
    assert NamedScore(value=1.0) != NamedScore(value=1.0, ref_id='r')
    assert NamedScore() != {}


@pytest.mark.parametrize(
    'again', [copy.copy, copy.deepcopy, lambda s: pickle.loads(pickle.dumps(s))]
)
def test_copies(again):
    score = NamedScore(value=0.25, op_name='op')
    other = again(score)
    assert other == score
    assert isinstance(other, NamedScore)
    other.value = 9.0
    assert score.value == 0.25


def test_scores_of_a_document_come_into_being_when_read():
    doc = Document()
    doc.scores['cosine'].value = 0.5
    doc.evaluations['recall'].op_name = 'recall'
    assert doc.scores['cosine'].value == 0.5
    assert isinstance(doc.scores['cosine'], NamedScore)
    assert doc.non_empty_fields == ('id', 'evaluations', 'scores')
    assert 'euclidean' not in doc.scores


def test_scores_of_a_document_may_be_dicts():
    doc = Document(scores={'cosine': {'value': 0.5}, 'other': NamedScore(value=1.0)})
    assert isinstance(doc.scores['cosine'], NamedScore)
    assert (doc.scores['cosine'].value, doc.scores['other'].value) == (0.5, 1.0)
