"""What the section *Log* says."""

import html

from slicer.i18n import tr as _


def markText(number, key):
    """The big button's: which core, and which key."""
    return _("Mark core {number}   ({key})").format(number=number, key=key)


def readyText(shown):
    """What a core marked now would be measured against."""
    tip = _("needle tip") if shown.tracked.needle_tip is not None else _("guide tip")
    if shown.target is None:
        return _("Ready: {tip}, NO TARGET: no errors are recorded").format(tip=tip)
    return _("Ready: {tip} against {target}").format(tip=tip, target=shown.target.name)


def statusText(shown, reason, asks, message, key):
    """What happened last, and what a core marked now would be, as rich text."""
    if asks:
        text = _("NOT marked yet: {reason}. Press again, or {key}, to mark the core without measurement.")
        return f"\N{BLACK UP-POINTING TRIANGLE} <b>{text.format(reason=_(reason), key=key)}</b>"
    parts = []
    if message:
        parts.append(f"<b>{html.escape(message)}</b>")
    if reason:
        parts.append(_("Nothing can be measured now: {reason}").format(reason=_(reason)))
    else:
        parts.append(html.escape(readyText(shown)))
    return "<br>".join(parts)


def savedText(log, otherLogs):
    """Whether every core is on disk, in shape and word, as rich text."""
    lines = []
    for each in (log, *otherLogs):
        if each.problem:
            text = _("NOT SAVED: {n} entries of '{case}' are in memory only ({problem}). Choose another folder.")
            text = text.format(n=each.n_unsaved, case=each.name, problem=each.problem)
            lines.append(
                f'<span style="color:#d55e00">\N{BLACK UP-POINTING TRIANGLE}</span> <b>{html.escape(text)}</b>'
            )
        elif each.n_unsaved:
            lines.append("\N{WHITE CIRCLE} " + _("saving..."))
    if not lines and log.events:
        lines.append("\N{BLACK CIRCLE} " + _("All {n} cores are on disk").format(n=len(log.records)))
    return "<br>".join(lines) or _("No core marked yet")
