"""Pieces of a page that needs nothing but itself: no script, no font and no picture from elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

_STYLE = """
:root { color-scheme: light; }
body { font: 15px/1.5 system-ui, sans-serif; color: #1a1a1a; background: #fff; max-width: 70rem; margin: 2rem auto;
  padding: 0 1.2rem; }
h1 { font-size: 1.6rem; margin-bottom: 0.2rem; } h2 { margin-top: 2.2rem; border-bottom: 2px solid #1a1a1a; }
h3 { margin-top: 1.6rem; }
.verdict { border: 2px solid #1a1a1a; border-left-width: 10px; padding: 0.6rem 1rem; margin: 0.6rem 0;
  font-size: 1.05rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-size: 0.86rem; line-height: 1.25; margin: 0.6rem 0;
  font-variant-numeric: tabular-nums; }
th, td { padding: 0.28rem 0.6rem; text-align: left; border-bottom: 1px solid #ccc; white-space: nowrap; }
td.long { white-space: normal; }
th { border-bottom: 2px solid #555; vertical-align: bottom; white-space: normal; max-width: 7.5rem; }
td small { color: #444; }
tr.reference td { background: #f1f1f1; } tr.first td { border-top: 2px solid #555; }
figure { margin: 1.2rem 0; } img { max-width: 100%; height: auto; }
figcaption, .note { color: #444; font-size: 0.88rem; }
code, pre { font-size: 0.84rem; } pre { white-space: pre-wrap; overflow-wrap: anywhere; background: #f6f6f6;
  padding: 0.7rem; }
@media print { body { max-width: none; margin: 0; font-size: 10pt; } figure, table { break-inside: avoid; }
  .wide { overflow: visible; } table { font-size: 7.5pt; } h2, h3 { break-after: avoid; } }
"""


def page(title: str, parts: Iterable[str]) -> str:
    """A whole document."""
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>{escape(title)}</title>\n'
        f'<meta name="viewport" content="width=device-width">\n<style>{_STYLE}</style>\n</head>\n<body>\n'
        + "\n".join(parts)
        + "\n</body>\n</html>\n"
    )


def heading(level: int, text: str) -> str:
    return f"<h{level}>{escape(text)}</h{level}>"


def paragraph(text: str, kind: str = "") -> str:
    """A paragraph; ``kind`` is ``note`` or ``verdict``."""
    # A number stays beside its letter.
    shown = escape(text).replace("R = ", "R&nbsp;=&nbsp;")
    return f'<p class="{kind}">{shown}</p>' if kind else f"<p>{shown}</p>"


def bullets(lines: Iterable[str]) -> str:
    return "<ul>" + "".join(f"<li>{escape(line)}</li>" for line in lines) + "</ul>"


def preformatted(text: str) -> str:
    return f"<pre>{escape(text)}</pre>"


def figure(uri: str, alternative: str, caption: str, width_inch: float | None = None) -> str:
    """A picture from a data URI; ``alternative`` is read out where it cannot be seen."""
    width = "" if width_inch is None else f' style="width: {width_inch:g}in"'
    return (
        f'<figure><img src="{uri}" alt="{escape(alternative, quote=True)}"{width}>'
        f"<figcaption>{escape(caption)}</figcaption></figure>"
    )


def table(titles: Sequence[str], rows: Sequence[tuple[str, Sequence[str]]]) -> str:
    """Rows with their class: ``reference``, ``first`` (of a group) or none."""
    head = "".join(f"<th>{escape(title)}</th>" for title in titles)
    body = "".join(f'<tr class="{kind}">' + "".join(map(_cell, cells)) + "</tr>\n" for kind, cells in rows)
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead>\n<tbody>{body}</tbody></table></div>'


_LONG = 60


def _cell(text: str) -> str:
    """What follows a line break is smaller."""
    value, _, rest = text.partition("\n")
    kind = ' class="long"' if len(value) > _LONG else ""
    return f"<td{kind}>{escape(value)}" + (f"<br><small>{escape(rest)}</small>" if rest else "") + "</td>"
