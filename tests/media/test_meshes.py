"""Meshes and points on their surface."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from docstore import Document
from docstore.errors import CorruptData, UriError, UriRefused
from docstore.media.uris import UriPolicy

trimesh = pytest.importorskip('trimesh')

pytestmark = pytest.mark.spec('2.8')

KINDS = ['glb', 'obj', 'stl', 'ply', 'off']


@pytest.fixture(scope='module')
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp('meshes')
    box = trimesh.creation.box((1, 2, 3))
    for kind in KINDS:
        box.export(made / f'box.{kind}')
    ball = trimesh.creation.icosphere()
    scene = trimesh.Scene([box])
    scene.add_geometry(ball, transform=trimesh.transformations.translation_matrix([9, 0, 0]))
    scene.export(made / 'scene.glb')
    return made


@pytest.mark.parametrize('kind', KINDS)
def test_vertices_and_faces(kind: str, folder: Path) -> None:
    doc = Document(uri=str(folder / f'box.{kind}'), chunks=[Document(text='old')])
    assert doc.load_uri_to_vertices_and_faces() is doc
    vertices, faces = doc.chunks
    assert [chunk.tags for chunk in doc.chunks] == [{'name': 'vertices'}, {'name': 'faces'}]
    assert type(vertices.tensor) is type(faces.tensor) is np.ndarray
    assert sorted(map(tuple, vertices.tensor.tolist())) == sorted(
        (x, y, z) for x in (-0.5, 0.5) for y in (-1, 1) for z in (-1.5, 1.5)
    )
    assert faces.tensor.shape == (12, 3)
    assert faces.tensor.dtype == np.int64
    assert doc.tensor is None


def on_the_box(points: Any) -> bool:
    sizes = np.array([0.5, 1, 1.5])
    inside = (np.abs(points) <= sizes + 1e-6).all()
    on_a_side = np.isclose(np.abs(points), sizes, atol=1e-6).any(axis=1).all()
    return bool(inside and on_a_side)


@pytest.mark.parametrize('kind', KINDS)
def test_point_cloud(kind: str, folder: Path) -> None:
    doc = Document(uri=str(folder / f'box.{kind}'))
    assert doc.load_uri_to_point_cloud_tensor(500) is doc
    assert type(doc.tensor) is np.ndarray
    assert doc.tensor.shape == (500, 3)
    assert on_the_box(doc.tensor)


def test_points_lie_evenly(folder: Path) -> None:
    np.random.seed(1)  # noqa: NPY002
    points = Document(uri=str(folder / 'box.glb')).load_uri_to_point_cloud_tensor(22_000).tensor
    sides = [int(np.isclose(np.abs(points[:, axis]), size).sum()) for axis, size in
             enumerate((0.5, 1, 1.5))]  # fmt: skip
    # The sides have the areas 2 x 6, 2 x 3 and 2 x 2.
    assert np.abs(np.array(sides) - [12_000, 6_000, 4_000]).max() < 400
    upper = points[np.isclose(points[:, 0], 0.5)]
    assert np.abs(upper.mean(axis=0) - [0.5, 0, 0]).max() < 0.05


def test_the_seed_of_numpy_counts(folder: Path) -> None:
    clouds = []
    for _ in range(2):
        np.random.seed(7)  # noqa: NPY002
        doc = Document(uri=str(folder / 'box.glb')).load_uri_to_point_cloud_tensor(9)
        clouds.append(doc.tensor)
    assert np.array_equal(*clouds)


def test_the_parts_of_a_scene(folder: Path) -> None:
    doc = Document(uri=str(folder / 'scene.glb'), chunks=[Document(text='kept')])
    doc.load_uri_to_point_cloud_tensor(100, as_chunks=True)
    assert doc.tensor is None
    kept, box, ball = doc.chunks
    assert kept.text == 'kept'
    assert on_the_box(box.tensor)
    assert np.allclose(np.linalg.norm(ball.tensor - [9, 0, 0], axis=1), 1, atol=0.05)
    whole = Document(uri=doc.uri).load_uri_to_point_cloud_tensor(1000).tensor
    assert whole[:, 0].max() > 9
    assert whole[:, 0].min() < 0


def test_points_of_the_chunks(folder: Path) -> None:
    doc = Document(uri=str(folder / 'box.obj')).load_uri_to_vertices_and_faces()
    assert doc.load_vertices_and_faces_to_point_cloud(70) is doc
    assert doc.tensor.shape == (70, 3)
    assert on_the_box(doc.tensor)
    assert len(doc.chunks) == 2


def test_over_http_and_data(folder: Path) -> None:
    doc = Document(uri=str(folder / 'box.glb')).convert_uri_to_datauri(base64=True)
    doc.mime_type = ''
    assert doc.uri.startswith('data:model/gltf-binary')
    assert on_the_box(doc.load_uri_to_point_cloud_tensor(9).tensor)


def test_meshes_of_several_files(folder: Path, tmp_path: Path) -> None:
    box = trimesh.creation.box((1, 2, 3))
    for name, data in trimesh.exchange.gltf.export_gltf(trimesh.Scene([box])).items():
        (tmp_path / name).write_bytes(data)
    doc = Document(uri=str(tmp_path / 'model.gltf'))
    assert on_the_box(doc.load_uri_to_point_cloud_tensor(9).tensor)
    # The same, but its buffer is elsewhere.
    inner = tmp_path / 'inner'
    inner.mkdir()
    buffer = next(path for path in tmp_path.iterdir() if path.suffix == '.bin')
    text = (tmp_path / 'model.gltf').read_text(encoding='utf-8')
    for name in (f'../{buffer.name}', str(buffer)):
        (inner / 'model.gltf').write_text(text.replace(buffer.name, name), encoding='utf-8')
        with pytest.raises((UriError, CorruptData), match='document'):
            Document(uri=str(inner / 'model.gltf')).load_uri_to_point_cloud_tensor(9)
    with pytest.raises(UriRefused):
        doc.load_uri_to_point_cloud_tensor(9, policy=UriPolicy(max_bytes=buffer.stat().st_size - 1))


@pytest.mark.parametrize('samples', [0, -1, 2.5, 'x', None, True])
def test_samples(samples: Any, folder: Path, refused: Any) -> None:
    doc = Document(uri=str(folder / 'box.glb'))
    for as_chunks in (False, True):
        refused(doc, ValueError, 'load_uri_to_point_cloud_tensor', samples, as_chunks=as_chunks)


@pytest.mark.parametrize('kind', KINDS)
def test_damaged_files(kind: str, folder: Path, tmp_path: Path, refused: Any) -> None:
    whole = (folder / f'box.{kind}').read_bytes()
    for data in (b'', b'words', whole[:20]):
        path = tmp_path / f'a.{kind}'
        path.write_bytes(data)
        doc = Document(uri=str(path))
        error = refused(doc, ValueError, 'load_uri_to_vertices_and_faces')
        assert isinstance(error, CorruptData)
        refused(doc, ValueError, 'load_uri_to_point_cloud_tensor', 9)
        refused(doc, ValueError, 'load_uri_to_point_cloud_tensor', 9, as_chunks=True)


def test_unknown_kinds(tmp_path: Path, refused: Any) -> None:
    for name, words in (('a.txt', 'txt'), ('noext', 'extension')):
        (tmp_path / name).write_bytes(b'x')
        doc = Document(uri=str(tmp_path / name))
        assert words in str(refused(doc, ValueError, 'load_uri_to_vertices_and_faces'))


def parts(vertices: Any, faces: Any) -> Document:
    return Document(
        chunks=[
            Document(tensor=vertices, tags={'name': 'vertices'}),
            Document(tensor=faces, tags={'name': 'faces'}),
        ]
    )


TRIANGLE = np.eye(3)


@pytest.mark.parametrize(
    ('doc', 'builtin'),
    [
        (Document(), AttributeError),
        (Document(chunks=[Document(tensor=TRIANGLE)]), AttributeError),
        (parts(TRIANGLE, None), AttributeError),
        (parts(None, [[0, 1, 2]]), AttributeError),
        (parts(TRIANGLE, [[0, 1, 3]]), ValueError),
        (parts(TRIANGLE, [[0, 1, -1]]), ValueError),
        (parts(TRIANGLE, [[0.0, 1.0, 2.0]]), ValueError),
        (parts(TRIANGLE, [[0, 1]]), ValueError),
        (parts(TRIANGLE, np.zeros((0, 3), int)), ValueError),
        (parts(TRIANGLE, [[0, 0, 0]]), ValueError),
        (parts(TRIANGLE[:, :2], [[0, 1, 2]]), ValueError),
        (parts(TRIANGLE * np.nan, [[0, 1, 2]]), ValueError),
        (parts('x', [[0, 1, 2]]), TypeError),
    ],
)
def test_points_of_bad_chunks(doc: Document, builtin: type[Exception], refused: Any) -> None:
    refused(doc, builtin, 'load_vertices_and_faces_to_point_cloud', 9)


def test_points_of_one_triangle() -> None:
    doc = parts(TRIANGLE, [[0, 1, 2]]).load_vertices_and_faces_to_point_cloud(200)
    assert np.allclose(doc.tensor.sum(axis=1), 1)
    assert doc.tensor.min() >= 0
