"""What every page keeps to in a real browser."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.report.browser import measure

__all__ = ["check_it_can_be_followed", "check_it_contrasts", "check_it_fits"]

_FITS = """
  const outside = shown("body *").filter((e) => !e.closest(".scroll, svg, .skip")
    && e.getBoundingClientRect().right > root.clientWidth + 0.5).map((e) => e.outerHTML.slice(0, 120));
  return {
    scroll: root.scrollWidth, width: root.clientWidth, outside,
    plots: shown("figure svg").length, figures: shown("figure").length,
    small: shown("figure svg text").filter((e) => e.getBoundingClientRect().height < 9).length,
    loaded: view.performance.getEntriesByType("resource").map((e) => e.name),
  };
"""
_CONTRASTS = """
  const parse = (colour) => (colour.match(/[\\d.]+/g) || []).map(Number);
  const light = (rgb) => {
    const [r, g, b] = rgb.map((c) => c / 255).map((c) => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    for (let e = element; e; e = e.parentElement) {
      const colour = parse(view.getComputedStyle(e).backgroundColor);
      if (colour.length === 3 || colour[3] === 1) return colour.slice(0, 3);
    }
    return [255, 255, 255];
  };
  for (const part of page.querySelectorAll("details")) part.open = true;
  const told = shown("body *").filter((e) => [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim()));
  const ratios = told.map((e) => {
    const style = view.getComputedStyle(e);
    const ink = parse(e.closest("svg") ? style.fill : style.color).slice(0, 3);
    const [low, high] = [light(ink), light(behind(e))].sort((a, b) => a - b);
    return [(high + 0.05) / (low + 0.05), e.tagName + "." + e.className + ": " + e.textContent.slice(0, 40)];
  });
  return { n: ratios.length, poor: ratios.filter(([ratio]) => ratio < 4.5) };
"""
_STRUCTURE = """
  const levels = [...page.querySelectorAll("h1, h2, h3, h4")].map((h) => Number(h.tagName[1]));
  const svgs = [...page.querySelectorAll("figure svg")];
  const links = [...page.querySelectorAll(".readers a")].map((a) => page.querySelector(a.getAttribute("href")).tagName);
  return {
    jumps: levels.filter((level, k) => k && level > levels[k - 1] + 1).length,
    tops: levels.filter((level) => level === 1).length,
    silent: svgs.filter((s) => s.getAttribute("role") !== "img" || s.getAttribute("aria-label").length < 40).length,
    svgs: svgs.length, unscoped: page.querySelectorAll("th:not([scope])").length,
    uncaptioned: [...page.querySelectorAll("table")].filter((t) => !t.caption || !t.caption.textContent.trim()).length,
    links, alerts: page.querySelectorAll("script").length,
  };
"""


def check_it_fits(folder: Path, width: int) -> dict[str, Any]:
    """Asserts that a page fits a width, can be read, loads nothing and logs nothing; returns what was measured."""
    measured: dict[str, Any]
    measured, log = measure(folder, _FITS, width)
    assert measured["scroll"] <= measured["width"] <= width
    assert measured["outside"] == []
    assert measured["plots"] == measured["figures"]
    assert measured["small"] == 0, "text of a plot is too small to read"
    assert measured["loaded"] == []
    assert "CONSOLE" not in log
    return measured


def check_it_contrasts(folder: Path) -> dict[str, Any]:
    """Asserts that all text contrasts with what is behind it; returns what was measured."""
    measured: dict[str, Any]
    measured, _ = measure(folder, _CONTRASTS)
    assert measured["poor"] == []
    return measured


def check_it_can_be_followed(folder: Path) -> dict[str, Any]:
    """Asserts that headings, tables and figures can be followed without eyes; returns what was measured."""
    measured: dict[str, Any]
    measured, _ = measure(folder, _STRUCTURE)
    assert (measured["jumps"], measured["tops"]) == (0, 1)
    assert measured["silent"] == measured["unscoped"] == measured["uncaptioned"] == 0
    return measured
