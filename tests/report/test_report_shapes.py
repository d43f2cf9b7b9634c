"""Drawings of shapes: places, ticks, marks, and that SVG and PNG show the same."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.lines import Line2D
from matplotlib.markers import MarkerStyle
from matplotlib.text import Text
from numpy.typing import NDArray

from monai_fairtune.report.plots_markers import OUTLINES
from monai_fairtune.report.plots_panel import Panel, round_ticks
from monai_fairtune.report.plots_shapes import Area, Drawing, Label, Lines, Mark
from monai_fairtune.report.plots_shapes_png import drawing_figure
from monai_fairtune.report.plots_shapes_svg import drawing_svg


def drawing() -> Drawing:
    found = Drawing(100, 50)
    found.add(
        Lines([[(0, 0), (100, 50)], [(10, 0), (10, 50)]], "#111111", 2, dash=(4, 2), opacity=0.5),
        Area([(0, 0), (10, 0), (10, 10)], "#222222"),
        Mark((50, 25), "o", 6, "#ffffff", "#333333"),
        Mark((20, 25), "s", 6, "#ffffff", "#333333"),
        Label((30, 40), "<b> & c", anchor="end", bold=True),
        Label((5, 25), "up", upright=True, middle=False),
    )
    return found


def test_svg_counts_from_the_top_and_escapes_text() -> None:
    text = ET.tostring(drawing_svg(drawing()), encoding="unicode")
    assert 'd="M0 50L100 0M10 50L10 0"' in text
    assert 'stroke-dasharray="4 2"' in text
    assert 'd="M0 50L10 50L10 40z"' in text
    assert "M17 28L23 28L23 22L17 22z" in text
    assert "M47 25A3 3 0 1 0 53 25A3 3 0 1 0 47 25z" in text
    assert "&lt;b&gt; &amp; c</text>" in text
    assert 'transform="translate(5 25)rotate(-90)"' in text


def test_png_shows_the_same_shapes_at_the_same_places() -> None:
    figure = drawing_figure(drawing())
    artists = sorted(figure.get_children(), key=lambda artist: artist.zorder)
    lines = [artist for artist in artists if isinstance(artist, Line2D)]
    assert [np.asarray(line.get_xydata()).tolist() for line in lines] == [
        *([[0, 0], [100, 50]], [[10, 0], [10, 50]], [[50, 25]], [[20, 25]])
    ]
    assert [artist.get_text() for artist in artists if isinstance(artist, Text)] == ["<b> & c", "up"]
    right = np.asarray(lines[0].get_transform().transform((100, 50)))
    assert right == pytest.approx(np.asarray(figure.bbox.size))


@pytest.mark.parametrize("marker", sorted(OUTLINES))
def test_markers_are_those_of_matplotlib(marker: str) -> None:
    style = MarkerStyle(marker)
    theirs = style.get_transform().transform(style.get_path().vertices)
    assert rounded(theirs) == rounded(np.array(OUTLINES[marker]))


def rounded(points: NDArray[np.float64]) -> set[tuple[float, ...]]:
    return {tuple(point) for point in (points.round(6) + 0.0).tolist()}


def test_a_panel_places_numbers_between_its_ends() -> None:
    panel = Panel(Drawing(100, 100), 10, 20, 50, 40, (0.5, 1.0), (-1, 1))
    assert panel.place(0.5, -1) == (10, 20)
    assert panel.place(1.0, 1) == (60, 60)
    assert panel.place(0.75, 0) == (35, 40)


@given(st.floats(-1e3, 1e3), st.floats(1e-6, 1e3), st.integers(3, 8))
def test_ticks_lie_inside_are_evenly_spaced_and_told_apart(low: float, span: float, most: int) -> None:
    ticks, labels = round_ticks(low, low + span, most)
    assert 2 <= len(ticks) <= max(most + 1, 3)
    assert low - 1e-6 * span <= ticks[0]
    assert ticks[-1] <= low + span + 1e-6 * span
    assert np.ptp(np.diff(ticks)) <= 1e-6 * span
    assert len(set(labels)) == len(labels)


@pytest.mark.parametrize(
    ("low", "high", "labels"),
    [
        (0.867, 0.903, ["0.87", "0.88", "0.89", "0.90"]),
        (47.0, 105.5, ["60", "80", "100"]),
        (0.0, 0.071, ["0.00", "0.02", "0.04", "0.06"]),
        (-0.03, 0.02, ["−0.02", "0.00", "0.02"]),
    ],
)
def test_ticks_are_round_numbers(low: float, high: float, labels: list[str]) -> None:
    assert round_ticks(low, high, 4)[1] == labels
