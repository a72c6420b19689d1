"""The same script under docarray 0.21, where it is installed, and under docstore.

DOCSTORE_LEGACY_PYTHON names an interpreter that has docarray 0.21 (it needs old
versions of NumPy and pydantic, so it cannot share ours).
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from docstore import Document, DocumentArray
from docstore.errors import UnsupportedFormat

pytestmark = pytest.mark.spec('17')

LEGACY = os.environ.get('DOCSTORE_LEGACY_PYTHON', '')
needs_docarray = pytest.mark.skipif(
    not Path(LEGACY).is_file(), reason='DOCSTORE_LEGACY_PYTHON names no interpreter'
)

CLASSES = """
import base64, json, warnings
warnings.simplefilter('ignore')
import {package}
from {package} import Document, DocumentArray
from {package}.typing import Text, Blob, JSON, URI
from typing import List, TypeVar
Own = TypeVar('Own')
@{package}.dataclass
class Inner:
    a: Text
    n: int = 3
@{package}.dataclass
class Page:
    title: Text
    price: float
    raw: bytes
    nums: List[int]
    data: Blob
    js: JSON
    link: URI
    texts: List[Text]
    inner: Inner
    inners: List[Inner]
    own: Own = {package}.field(
        setter=lambda value: Document(text='!' + value), getter=lambda doc: doc.text[1:],
        default='o')
    desc: Text = None
def page(i):
    return Page(title='t%d' % i, price=1.5, raw=b'xx', nums=[1, i], data=b'abc',
                js=dict(a=[True, None, 'x']), link='http://x/y.png', texts=['a%d' % i, 'b', 'c'],
                inner=Inner('i%d' % i, 7), inners=[Inner('j', 8), Inner('k', i)])
"""

SHOW = """
def show(doc):
    shown = dict()
    for name in doc.non_empty_fields:
        value = getattr(doc, name)
        if name in ('chunks', 'matches'):
            shown[name] = [show(child) for child in value]
        elif name == 'blob':
            shown[name] = base64.b64encode(value).decode()
        elif name not in ('id', 'parent_id'):
            shown[name] = value
    return shown
da = DocumentArray([Document(page(i)) for i in range(3)])
paths = ['@.[title]', '@.[title,texts]', '@.[texts][:1]', '@.[texts]1', '@.[inner].[a]',
         '@.[inners][1:].[a]', '@r[:2].[title]', '@.[own],.[inner].[a]', '@.[inners]c']
one = Document(page(5))
one.title = Document(text='new')
one.texts = DocumentArray([Document(text='only')])
errors = []
for call in (lambda: one.price, lambda: one.get_multi_modal_attribute('zzz'), lambda: one.desc,
             lambda: da['@.[price]'], lambda: da['@.[desc]'], lambda: Page(Document())):
    try:
        call()
    except (ValueError, AttributeError) as error:
        errors.append(isinstance(error, ValueError))
print(json.dumps(dict(
    doc=show(da[1]), back=[repr(Page(doc)) for doc in da], changed=repr(Page(one)),
    paths=[da[path].texts for path in paths], errors=errors,
    multimodal=[da[0].is_multimodal, Document().is_multimodal],
)))
"""

WRITE = """
da = DocumentArray([Document(page(i)) for i in range(2)])
print(json.dumps(dict(
    json=da.to_json(),
    protobuf=base64.b64encode(da.to_bytes('protobuf-array')).decode(),
    pickle=base64.b64encode(da.to_bytes('pickle')).decode(),
)))
"""

READ = """
import sys
da = DocumentArray.from_bytes(base64.b64decode(sys.stdin.read()), 'protobuf-array')
print(json.dumps([repr(Page(doc)) for doc in da]))
"""


def run(package: str, code: str, given: str = '') -> Any:
    python = LEGACY if package == 'docarray' else sys.executable
    script = CLASSES.replace('{package}', package) + code
    done = subprocess.run(
        [python, '-c', script], input=given, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@needs_docarray
def test_the_same_script_prints_the_same() -> None:
    assert run('docstore', SHOW) == run('docarray', SHOW)


@needs_docarray
@pytest.mark.parametrize('protocol', ['json', 'protobuf', 'pickle'])
def test_what_docarray_wrote(protocol: str) -> None:
    written = run('docarray', WRITE)[protocol]
    if protocol == 'json':
        da = DocumentArray.from_json(written)
    else:
        name = 'protobuf-array' if protocol == 'protobuf' else protocol
        da = DocumentArray.from_bytes(base64.b64decode(written), name)
    read: Any = da[1]
    assert (read.title.text, read.texts.texts, read.inner.a.text) == ('t1', ['a1', 'b', 'c'], 'i1')
    assert da['@.[inners][1:].[a]'].texts == ['k', 'k']


@needs_docarray
def test_docarray_reads_what_we_wrote() -> None:
    pytest.importorskip('google.protobuf')
    pages = run('docarray', READ, run('docstore', WRITE)['protobuf'])
    assert [page.partition(',')[0] for page in pages] == ["Page(title='t0'", "Page(title='t1'"]
    assert 'inners=[Inner(a=' in pages[0]


def test_a_document_of_docarray() -> None:
    # What docarray 0.21 wrote as JSON for a class with a Text and a list of Texts.
    entry = {'attribute_type': 'document', 'type': 'Text', 'position': 0.0}
    many = {'attribute_type': 'iterable_document', 'type': 'List[Text]', 'position': 1.0}
    read: Any = Document.from_dict({
        'id': 'd',
        '_metadata': {'multi_modal_schema': {'title': entry, 'texts': many}},
        'chunks': [
            {'id': 't', 'parent_id': 'd', 'granularity': 1, 'text': 'x', 'modality': 'text'},
            {'id': 'l', 'parent_id': 'd', 'granularity': 1, 'chunks': [{'id': 'e', 'text': 'y'}]},
        ],
    })  # fmt: skip
    assert (read.title.text, read.texts.texts) == ('x', ['y'])


# Document(Sheet(title='x', count=2)) as docarray 0.21 pickles it.
PICKLED = (
    'gASVKQQAAAAAAACMEWRvY2FycmF5LmRvY3VtZW50lIwIRG9jdW1lbnSUk5QpgZR9lIwFX2RhdGGUjBZkb2NhcnJheS'
    '5kb2N1bWVudC5kYXRhlIwMRG9jdW1lbnREYXRhlJOUKYGUfZQojA5fcmVmZXJlbmNlX2RvY5RoAimBlH2UaAVoCXNi'
    'jAJpZJSMIGQzZGYzYjYyYzljODI1OGU1NzYzNmY4MmY0MDI5MWVjlIwJcGFyZW50X2lklE6MC2dyYW51bGFyaXR5lE'
    'sAjAlhZGphY2VuY3mUTowEYmxvYpROjAZ0ZW5zb3KUTowJbWltZV90eXBllE6MBHRleHSUTowHY29udGVudJROjAZ3'
    'ZWlnaHSUTowDdXJplE6MBHRhZ3OUfZSMBWNvdW50lEsCc4wJX21ldGFkYXRhlH2UjBpkb2NhcnJheS5kYXRhY2xhc3'
    'Nlcy5lbnVtc5SMEERvY3VtZW50TWV0YWRhdGGUk5SMEm11bHRpX21vZGFsX3NjaGVtYZSFlFKUfZQojAV0aXRsZZR9'
    'lCiMDmF0dHJpYnV0ZV90eXBllGgfjA1BdHRyaWJ1dGVUeXBllJOUjAhkb2N1bWVudJSFlFKUjAR0eXBllIwEVGV4dJ'
    'SMCHBvc2l0aW9ulEsAdWgcfZQoaChoKowJcHJpbWl0aXZllIWUUpRoLowDaW50lHV1c4wGb2Zmc2V0lE6MCGxvY2F0'
    'aW9ulE6MCWVtYmVkZGluZ5ROjAhtb2RhbGl0eZROjAtldmFsdWF0aW9uc5ROjAZzY29yZXOUTowGY2h1bmtzlIwUZG'
    '9jYXJyYXkuYXJyYXkuY2h1bmuUjApDaHVua0FycmF5lJOUKYGUfZQojAhfcmVmX2RvY5RoDIwYX25lZWRzX2lkMm9m'
    'ZnNldF9yZWJ1aWxklIiMDF9pc19zdWJpbmRleJSJaAVdlGgCKYGUfZRoBWgIKYGUfZQoaAtoRmgOjCBhMDJlNjgwZW'
    'RkNjI4ZTk0YjU0N2ZmNzZlZmZjN2Q3OZRoEGgPaBFLAWgSTmgTTmgUTmgVTmgWjAF4lGgXTmgYTmgZTmgaTmgdTmg2'
    'Tmg3Tmg4Tmg5aBZoOk5oO05oPE6MB21hdGNoZXOUTnVic2JhjAxfaWRfdG9faW5kZXiUfZSMC19zdWJpbmRpY2VzlH'
    '2UjA9fZnJvbV9nZW5lcmF0b3KUjCFkb2NhcnJheS5hcnJheS5taXhpbnMuaW8uZnJvbV9nZW6UjBZfcmFpc2VfYXR0'
    'cmlidXRlX2Vycm9ylJOUjAxmcm9tX25kYXJyYXmUaFSMCmZyb21fZmlsZXOUaFSMCGZyb21fY3N2lGhUjBlmcm9tX2'
    'h1Z2dpbmdmYWNlX2RhdGFzZXRzlGhUjAtmcm9tX25kanNvbpRoVIwKZnJvbV9saW5lc5RoVHViaExOdWJzYi4='
)


def test_a_pickle_of_docarray() -> None:
    read: Any = Document.from_bytes(base64.b64decode(PICKLED), 'pickle')
    assert (read.title.text, read.tags) == ('x', {'count': 2})
    assert [type(key) for key in read._metadata] == [str]
    assert read._metadata['multi_modal_schema'] == {
        'title': {'attribute_type': 'document', 'type': 'Text', 'position': 0},
        'count': {'attribute_type': 'primitive', 'type': 'int'},
    }


def test_a_pickle_with_another_enumeration() -> None:
    forged = base64.b64decode(PICKLED).replace(b'AttributeType', b'AttributeTypo')
    with pytest.raises(UnsupportedFormat, match='AttributeTypo'):
        Document.from_bytes(forged, 'pickle')
